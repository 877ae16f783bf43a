import { JobState, NextCursor } from '../../schemas/jobs.ts'
import {
  BucketName,
  Day,
  FilePath,
  IdempotencyKey,
  Location,
  NewBucketName,
  S3Uid,
  Traffic,
  Uuid,
  WholeNumber
} from '../../schemas/scalars.ts'
import { BucketOfAccount, OneScope } from '../../schemas/tokens.ts'

/** The values that many models and parameters have: components of the document, like models. */
const NAMED = {
  BucketName,
  BucketOfAccount,
  Day,
  FilePath,
  IdempotencyKey,
  JobState,
  Location,
  NewBucketName,
  NextCursor,
  S3Uid,
  Scope: OneScope,
  Traffic,
  Uuid,
  WholeNumber
}

type Schema = Readonly<Record<string, unknown>>

/**
 * Told from others by their text too: a ratio has the bounds of `Traffic`, and generators of Go need the values of an enum
 * at an optional parameter.
 */
const BY_TEXT = new Set<unknown>([Traffic, JobState].map(schema => Object(schema).description))

const constraintsOf = ({ description, ...constraints }: Schema) =>
  JSON.stringify([constraints, BY_TEXT.has(description) && description])

/**
 * Replaces these values by references, in a copy of a document. A description of its own stays beside the reference.
 * @param complete what the document adds to a schema
 * @returns the copy, and the values by name
 */
export const withNamedValues = <T>(document: T, complete: (schema: object) => Schema): [T, Record<string, Schema>] => {
  const values: Record<string, Schema> = Object.fromEntries(
    Object.entries(NAMED).map(([name, schema]) => [name, complete(schema)])
  )
  const nameOf = new Map(Object.entries(values).map(([name, schema]) => [constraintsOf(schema), name]))
  const replaced = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return value.map(replaced)
    const name = nameOf.get(constraintsOf(value as Schema))
    if (name === undefined) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each)]))
    const { description } = value as Schema
    return {
      $ref: `#/components/schemas/${name}`,
      ...(description !== undefined && description !== values[name]?.['description'] && { description })
    }
  }
  // The function keeps the shape of all but schemas.
  return [replaced(document) as T, values]
}
