import { NextCursor } from '../../schemas/jobs.ts'
import {
  BucketName,
  Day,
  FilePath,
  IdempotencyKey,
  Location,
  NewBucketName,
  S3Uid,
  Uuid,
  WholeNumber
} from '../../schemas/scalars.ts'

/** The values that many models and parameters have: components of the document, like models. */
const NAMED = {
  BucketName,
  Day,
  FilePath,
  IdempotencyKey,
  Location,
  NewBucketName,
  NextCursor,
  S3Uid,
  Uuid,
  WholeNumber
}

type Schema = Readonly<Record<string, unknown>>

const constraintsOf = ({ description: _, ...constraints }: Schema) => JSON.stringify(constraints)

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
