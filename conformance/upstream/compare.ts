import type { TSchema } from 'typebox'
import { isObject } from './envelope.ts'

/**
 * The effect of a difference on the gateway. `harmless`: none; `coerced`: another PHP form of the same value, which it
 * converts; `breaking`: it refuses the response.
 */
export type Effect = 'harmless' | 'coerced' | 'breaking'

/** A difference between a response and the declared result: names and types, no values. */
export interface Difference {
  /** Such as `s3_users[].quota`. */
  readonly member: string
  readonly declared: string
  readonly seen: string
  readonly effect: Effect
  /** Number of occurrences in the response. */
  readonly count: number
}

interface Shape {
  type?: string
  properties?: Record<string, TSchema>
  required?: string[]
  items?: TSchema
  anyOf?: TSchema[]
  enum?: unknown[]
  const?: unknown
}

/** A position in the response, and the value of the documented example there. */
interface Place {
  readonly member: string
  readonly example: unknown
  readonly isRequired: boolean
}

type AddDifference = (member: string, declared: string, seen: string, effect: Effect) => void

/**
 * Compares a payload with the declared result.
 * @param ignored members to skip
 */
export const differences = (
  declared: { readonly result: TSchema; readonly example: unknown },
  payload: Readonly<Record<string, unknown>>,
  ignored: readonly string[]
): Difference[] => {
  const found = new Map<string, Difference>()
  const addDifference: AddDifference = (member, declared, seen, effect) => {
    const key = JSON.stringify([member, declared, seen])
    found.set(key, { member, declared, seen, effect, count: (found.get(key)?.count ?? 0) + 1 })
  }
  const known = Object.entries(payload).filter(([name]) => !ignored.includes(name))
  compare(
    declared.result,
    Object.fromEntries(known),
    { member: '', example: declared.example, isRequired: true },
    addDifference
  )
  return [...found.values()]
}

const compare = (schema: TSchema, value: unknown, place: Place, addDifference: AddDifference): void => {
  const shape: Shape = schema
  const expected = shape.enum || 'const' in shape ? 'one of its values' : shape.type
  if (shape.anyOf) compareAny(shape.anyOf, value, place, addDifference)
  else if (expected === undefined) return
  else if (value === null)
    addDifference(place.member, expected, 'null', isBreaking(expected, place) ? 'breaking' : 'coerced')
  else if (expected === 'array') compareList(shape.items ?? {}, value, place, addDifference)
  else if (expected === 'object') compareObject(shape, value, place, addDifference)
  else compareScalar(expected, value, place, addDifference)
}

const isBreaking = (expected: string, { isRequired }: Place) => isRequired && expected !== 'array'

const compareScalar = (expected: string, value: unknown, place: Place, addDifference: AddDifference): void => {
  const seen = typeOf(value)
  if (isExpected(expected, seen)) compareForm(value, place, addDifference)
  else addDifference(place.member, expected, seen, coercibleTypesOf(expected).test(seen) ? 'coerced' : 'breaking')
}

const coercibleTypesOf = (expected: string): RegExp => {
  if (expected === 'integer' || expected === 'number') return /as text$|^boolean$/
  return expected === 'string' ? /^(integer|number)$/ : /$^/
}

const isExpected = (expected: string, seen: string) =>
  expected === seen ||
  (expected === 'number' && seen === 'integer') ||
  (expected === 'string' && seen === 'number as text') ||
  expected === 'one of its values'

/** The type of a value that is not an object or null. */
const typeOf = (value: unknown): string => {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'string') return /^-?\d+(\.\d+)?$/.test(value) ? 'number as text' : 'string'
  if (Array.isArray(value)) return value.length === 0 ? 'empty list' : 'list'
  return typeof value
}

const compareAny = (schemas: readonly TSchema[], value: unknown, place: Place, addDifference: AddDifference): void => {
  const attempts = schemas.map(schema => {
    const found: Parameters<AddDifference>[] = []
    // A `const` fixes the value, not only the type.
    if ('const' in schema && schema['const'] !== value)
      found.push([place.member, JSON.stringify(schema['const']), typeOf(value), 'breaking'])
    else if ((schema as Shape).type !== 'null' || value !== null)
      compare(schema, value, place, (...args) => found.push(args))
    return found
  })
  const best = attempts.sort((a, b) => a.length - b.length)[0] ?? []
  for (const args of best) addDifference(...args)
}

/** Compares a list, or another PHP form of one: an object with numeric names, a single element, comma-separated text. */
const compareList = (items: TSchema, value: unknown, place: Place, addDifference: AddDifference): void => {
  const ofText = (items as Shape).type === 'string'
  const elements = elementsOf(value, ofText)
  if (!Array.isArray(value))
    addDifference(place.member, 'array', elements?.seen ?? typeOf(value), elements ? 'coerced' : 'breaking')
  const example = Array.isArray(place.example) ? place.example[0] : undefined
  for (const element of elements?.list ?? []) {
    compare(items, element, { member: `${place.member}[]`, example, isRequired: true }, addDifference)
  }
}

const elementsOf = (value: unknown, ofText: boolean): { list: unknown[]; seen: string } | undefined => {
  if (Array.isArray(value)) return { list: value, seen: 'array' }
  if (typeof value === 'string' && ofText) return { list: value.split(','), seen: 'comma-separated text' }
  if (!isObject(value)) return undefined
  const isNumbered = Object.keys(value).every(name => /^\d+$/.test(name))
  if (isNumbered) return { list: Object.values(value), seen: 'object with numeric names' }
  return ofText ? undefined : { list: [value], seen: 'single element' }
}

const compareObject = (
  { properties = {}, required = [] }: Shape,
  value: unknown,
  place: Place,
  addDifference: AddDifference
): void => {
  if (Array.isArray(value) && value.length === 0) addDifference(place.member, 'object', 'empty list', 'coerced')
  else if (!isObject(value)) {
    addDifference(place.member, 'object', typeOf(value), 'breaking')
    return
  }
  const given: Readonly<Record<string, unknown>> = isObject(value) ? value : {}
  const example: Readonly<Record<string, unknown>> = isObject(place.example) ? place.example : {}
  const under = (name: string) => (place.member === '' ? name : `${place.member}.${name}`)
  for (const [name, schema] of Object.entries(properties)) {
    const isRequired = required.includes(name)
    if (Object.hasOwn(given, name)) {
      compare(schema, given[name], { member: under(name), example: example[name], isRequired }, addDifference)
    } else if (isRequired || (Object.hasOwn(example, name) && !UNDOCUMENTED.has(name))) {
      addDifference(under(name), 'a member', 'missing', isRequired ? 'breaking' : 'harmless')
    }
  }
  for (const [name, member] of Object.entries(given)) {
    if (!Object.hasOwn(properties, name))
      addDifference(under(nameOf(name)), 'nothing', isObject(member) ? 'object' : typeOf(member), 'harmless')
  }
}

/** The form of the last page's `next_token` is not documented: it is a fact, not drift. */
const UNDOCUMENTED = new Set(['next_token'])

/** The name of a member, unless it may be customer data. */
const nameOf = (name: string): string =>
  /^[a-z][a-z0-9_]{0,39}$/i.test(name) ? name : `(name of ${name.length} characters)`

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/

/** Compares the form of an instant with the documented form. */
const compareForm = (value: unknown, { member, example }: Place, addDifference: AddDifference): void => {
  if (typeof example !== 'string' || !INSTANT.test(example) || typeof value !== 'string' || INSTANT.test(value)) return
  const seen = /^0000-00-00/.test(value)
    ? 'zero date'
    : /^\d{4}-\d\d-\d\d/.test(value)
      ? 'date in another format'
      : 'other text'
  addDifference(member, 'ISO 8601 instant', seen, 'coerced')
}
