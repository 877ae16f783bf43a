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
}

const INTEGER_KEYS = /^(0|[1-9]\d*)$/
const NUMERIC = /^-?\d+(\.\d+)?$/

/**
 * Converts a value that PHP printed to the type that the schema wants: numbers as strings and the reverse, `[]` for an
 * empty map, a list as an object with numeric keys, as a single element, as a comma string or as null, 0/1 for booleans,
 * null for a missing member; see docs/explanation/vendor-behaviour.md#coercion. Leaves anything else as it is, so that the check
 * of the schema refuses it.
 */
export const coerce = (schema: TSchema, value: unknown): unknown => {
  const shape: Shape = schema
  if (shape.anyOf) return anyOf(shape.anyOf, value)
  switch (shape.type) {
    case 'array':
      return list(shape.items ?? {}, value)
    case 'object':
      return record(shape, value)
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

const anyOf = (schemas: TSchema[], value: unknown): unknown => {
  for (const schema of schemas) {
    const candidate = coerce(schema, value)
    if (Value.Check(schema, candidate)) return candidate
  }
  return value
}

const list = (items: TSchema, value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(item => coerce(items, item))
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
  if (keys.every(key => INTEGER_KEYS.test(key))) return keys.map(key => coerce(items, value[key]))
  return [coerce(items, value)]
}

const record = (shape: Shape, value: unknown): unknown => {
  if (Array.isArray(value) && value.length === 0) return record(shape, {})
  if (!isRecord(value)) return value
  const declared = shape.properties ?? {}
  const required = new Set(shape.required)
  const read: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(declared)) {
    if (!Object.hasOwn(value, key)) continue
    const member = coerce(schema, value[key])
    if (member === null && !required.has(key) && !Value.Check(schema, null)) continue
    read[key] = member
  }
  return read
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
