import type { TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { isRecord } from './record.ts'

/** The part of JSON Schema that the results of actions use. */
interface Shape {
  type?: string
  properties?: Record<string, TSchema>
  required?: string[]
  items?: TSchema
  anyOf?: TSchema[]
  minLength?: number
  minimum?: number
  /** Name of the sibling that stands in for a required member that is absent or does not fit. */
  'x-fallback'?: string
}

/** The kind of a value that is not of the declared one. */
export type DriftKind = 'absent' | 'null' | 'boolean' | 'number' | 'empty text' | 'text' | 'list' | 'map'

/**
 * Told of a member that is left out because it does not fit, or replaced by its fallback.
 * @param member its place, such as `s3_users[].quota`
 */
export type OnDrift = (member: string, kind: DriftKind) => void

const INTEGER_KEYS = /^(0|[1-9]\d*)$/
const NUMERIC = /^-?\d+(\.\d+)?$/

/**
 * Converts a value that PHP printed to the type that the schema wants: numbers as strings and the reverse, `[]` for an
 * empty map, a list as an object with numeric keys, as a single element, as a comma string or as null, 0/1 for booleans,
 * null for a missing member; see docs/explanation/vendor-behaviour.md#coercion. Leaves out an optional member that does not
 * fit. Leaves anything else as it is, so that the check of the schema refuses it.
 */
export const coerce = (schema: TSchema, value: unknown, onDrift: OnDrift = ignore, path = ''): unknown => {
  const shape: Shape = schema
  if (shape.anyOf) return anyOf(shape.anyOf, value)
  switch (shape.type) {
    case 'array':
      return list(shape.items ?? {}, value, onDrift, path)
    case 'object':
      return record(shape, value, onDrift, path)
    case 'integer':
    case 'number':
      return number(value)
    case 'string':
      return typeof value === 'number' ? String(value) : value
    case 'boolean':
      return boolean(value)
    default:
      return value
  }
}

const ignore = () => undefined

/** The members of which a drift can be reported: optional ones that have a kind, and those with a fallback. */
export const driftingMembersOf = (schema: TSchema, path = ''): string[] => {
  const { properties = {}, required = [], items }: Shape = schema
  if (items) return driftingMembersOf(items, `${path}[]`)
  return Object.entries(properties).flatMap(([key, member]) => {
    const place = path === '' ? key : `${path}.${key}`
    const { type, anyOf, 'x-fallback': fallback }: Shape = member
    const drifts = required.includes(key) ? fallback !== undefined : type !== undefined || anyOf !== undefined
    return [...(drifts ? [place] : []), ...driftingMembersOf(member, place)]
  })
}

const anyOf = (schemas: TSchema[], value: unknown): unknown => {
  for (const schema of schemas) {
    const candidate = coerce(schema, value)
    if (Value.Check(schema, candidate)) return candidate
  }
  return value
}

const list = (items: TSchema, value: unknown, onDrift: OnDrift, path: string): unknown => {
  const item = (each: unknown) => coerce(items, each, onDrift, `${path}[]`)
  if (Array.isArray(value)) return value.map(item)
  if (value === null) return []
  const isTextList = (items as Shape).type === 'string'
  if (typeof value === 'string' && isTextList)
    return value
      .split(',')
      .map(item => item.trim())
      .filter(item => item !== '')
  if (!isRecord(value)) return value
  const keys = Object.keys(value)
  // JavaScript keeps integer-like keys in numeric order.
  if (keys.every(key => INTEGER_KEYS.test(key))) return keys.map(key => item(value[key]))
  return [item(value)]
}

/** A declared member, prepared once for each schema: a long list has many rows. */
interface Field {
  key: string
  schema: TSchema
  isRequired: boolean
  /** A text, number or boolean: it has no members. */
  isScalar: boolean
}

const SCALARS = new Set(['string', 'number', 'integer', 'boolean'])

const fieldsOfSchema = new WeakMap<Shape, Field[]>()

const fieldsOf = (shape: Shape): Field[] => {
  const known = fieldsOfSchema.get(shape)
  if (known) return known
  const required = new Set(shape.required)
  const fields = Object.entries(shape.properties ?? {}).map(([key, schema]) => ({
    key,
    schema,
    isRequired: required.has(key),
    isScalar: SCALARS.has((schema as Shape).type ?? '')
  }))
  fieldsOfSchema.set(shape, fields)
  return fields
}

const record = (shape: Shape, value: unknown, onDrift: OnDrift, path: string): unknown => {
  if (Array.isArray(value) && value.length === 0) return record(shape, {}, onDrift, path)
  if (!isRecord(value)) return value
  const read: Record<string, unknown> = {}
  const placeOf = (key: string) => (path === '' ? key : `${path}.${key}`)
  for (const { key, schema, isRequired, isScalar } of fieldsOf(shape)) {
    const given = Object.hasOwn(value, key) ? value[key] : undefined
    const member = coerce(schema, given, onDrift, isScalar ? key : placeOf(key))
    if (isRequired) {
      const substitute = fallbackOf(schema, value, member)
      if (substitute !== undefined) onDrift(placeOf(key), kindOf(given))
      if (substitute !== undefined || given !== undefined) read[key] = substitute ?? member
    } else if (given !== undefined) {
      if (isMeant(schema, given) && fits(schema, member)) read[key] = member
      // PHP prints null for a missing member (documented).
      else if (given !== null) onDrift(placeOf(key), kindOf(given))
    }
  }
  return read
}

/** The sibling that stands in for a member that does not fit; undefined for one that fits or has no stand-in. */
const fallbackOf = (schema: TSchema, siblings: Record<string, unknown>, member: unknown): unknown => {
  const name = (schema as Shape)['x-fallback']
  if (name === undefined || fits(schema, member)) return undefined
  const substitute = Object.hasOwn(siblings, name) ? coerce(schema, siblings[name]) : undefined
  return fits(schema, substitute) ? substitute : undefined
}

/** PHP prints false for a number that is absent: 0 would be another statement. */
const isMeant = (schema: TSchema, given: unknown): boolean => {
  const { type } = schema as Shape
  return typeof given !== 'boolean' || (type !== 'integer' && type !== 'number')
}

/** Does the value satisfy the schema? Scalars are checked here: a long list has many, and the general check is slow. */
const fits = (schema: TSchema, value: unknown): boolean => {
  const { type, anyOf, minLength = 0, minimum = Number.NEGATIVE_INFINITY } = schema as Shape
  if (anyOf || type === undefined || type === 'array' || type === 'object') return Value.Check(schema, value)
  if (type === 'string') return typeof value === 'string' && value.length >= minLength
  if (type === 'boolean') return typeof value === 'boolean'
  return (type === 'integer' ? Number.isInteger(value) : Number.isFinite(value)) && (value as number) >= minimum
}

const kindOf = (value: unknown): DriftKind => {
  if (value === undefined) return 'absent'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'string') return value === '' ? 'empty text' : 'text'
  if (typeof value === 'object') return 'map'
  return typeof value === 'boolean' ? 'boolean' : 'number'
}

const number = (value: unknown): unknown => {
  if (typeof value === 'string' && NUMERIC.test(value.trim())) return Number(value)
  return typeof value === 'boolean' ? Number(value) : value
}

const boolean = (value: unknown): unknown => {
  if (value === 1 || value === '1' || value === 'true') return true
  if (value === 0 || value === '0' || value === 'false') return false
  return value
}
