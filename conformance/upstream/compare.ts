import type { TSchema } from 'typebox'
import { isObject } from './envelope.ts'

/**
 * What a difference does to the gateway. `harmless`: nothing; `tolerated`: a known quirk of PHP's that it reads all the
 * same (UPSTREAM 1.2); `breaking`: it refuses the answer.
 */
export type Effect = 'harmless' | 'tolerated' | 'breaking'

/** One way in which an answer differs from the declared result; names and types, never a value. */
export interface Difference {
  /** Such as `s3_users[].quota`. */
  readonly member: string
  readonly declared: string
  readonly seen: string
  readonly effect: Effect
  /** In so many places of the answer. */
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

/** Where a comparison is, and what the documentation's example has there. */
interface Place {
  readonly member: string
  readonly example: unknown
  readonly isRequired: boolean
}

type Note = (member: string, declared: string, seen: string, effect: Effect) => void

/**
 * Compares a payload with the declared result.
 * @param beyond members that are documented and not declared, because the gateway has no use for them
 */
export const differences = (
  declared: { readonly result: TSchema; readonly example: unknown },
  payload: Readonly<Record<string, unknown>>,
  beyond: readonly string[]
): Difference[] => {
  const found = new Map<string, Difference>()
  const note: Note = (member, declared, seen, effect) => {
    const key = JSON.stringify([member, declared, seen])
    found.set(key, { member, declared, seen, effect, count: (found.get(key)?.count ?? 0) + 1 })
  }
  const known = Object.entries(payload).filter(([name]) => !beyond.includes(name))
  compare(declared.result, Object.fromEntries(known), { member: '', example: declared.example, isRequired: true }, note)
  return [...found.values()]
}

const compare = (schema: TSchema, value: unknown, place: Place, note: Note): void => {
  const shape: Shape = schema
  const wanted = shape.enum || 'const' in shape ? 'one of its values' : shape.type
  if (shape.anyOf) compareAny(shape.anyOf, value, place, note)
  else if (wanted === undefined) return
  else if (value === null) note(place.member, wanted, 'null', isBroken(wanted, place) ? 'breaking' : 'tolerated')
  else if (wanted === 'array') compareList(shape.items ?? {}, value, place, note)
  else if (wanted === 'object') compareObject(shape, value, place, note)
  else compareScalar(wanted, value, place, note)
}

const isBroken = (wanted: string, { isRequired }: Place) => isRequired && wanted !== 'array'

const compareScalar = (wanted: string, value: unknown, place: Place, note: Note): void => {
  const seen = typeOf(value)
  if (isFit(wanted, seen)) compareForm(value, place, note)
  else note(place.member, wanted, seen, quirkOf(wanted).test(seen) ? 'tolerated' : 'breaking')
}

const quirkOf = (wanted: string): RegExp => {
  if (wanted === 'integer' || wanted === 'number') return /as text$|^boolean$/
  return wanted === 'string' ? /^(integer|number)$/ : /$^/
}

const isFit = (wanted: string, seen: string) =>
  wanted === seen ||
  (wanted === 'number' && seen === 'integer') ||
  (wanted === 'string' && seen === 'number as text') ||
  wanted === 'one of its values'

/** The type of a value that is no object, list or null. */
const typeOf = (value: unknown): string => {
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'string') return /^-?\d+(\.\d+)?$/.test(value) ? 'number as text' : 'string'
  if (Array.isArray(value)) return value.length === 0 ? 'empty list' : 'list'
  return typeof value
}

const compareAny = (schemas: readonly TSchema[], value: unknown, place: Place, note: Note): void => {
  const tries = schemas.map(schema => {
    const notes: Parameters<Note>[] = []
    // A value has its type and must be its value: `false` is not every boolean.
    if ('const' in schema && schema['const'] !== value)
      notes.push([place.member, JSON.stringify(schema['const']), typeOf(value), 'breaking'])
    else if ((schema as Shape).type !== 'null' || value !== null)
      compare(schema, value, place, (...args) => notes.push(args))
    return notes
  })
  const best = tries.sort((a, b) => a.length - b.length)[0] ?? []
  for (const args of best) note(...args)
}

/** A list, or what PHP makes of one: an object with numbers for names, a single element, text with commas. */
const compareList = (items: TSchema, value: unknown, place: Place, note: Note): void => {
  const ofText = (items as Shape).type === 'string'
  const elements = elementsOf(value, ofText)
  if (!Array.isArray(value))
    note(place.member, 'array', elements?.seen ?? typeOf(value), elements ? 'tolerated' : 'breaking')
  const example = Array.isArray(place.example) ? place.example[0] : undefined
  for (const element of elements?.list ?? []) {
    compare(items, element, { member: `${place.member}[]`, example, isRequired: true }, note)
  }
}

const elementsOf = (value: unknown, ofText: boolean): { list: unknown[]; seen: string } | undefined => {
  if (Array.isArray(value)) return { list: value, seen: 'array' }
  if (typeof value === 'string' && ofText) return { list: value.split(','), seen: 'text with commas' }
  if (!isObject(value)) return undefined
  const isNumbered = Object.keys(value).every(name => /^\d+$/.test(name))
  if (isNumbered) return { list: Object.values(value), seen: 'object with numbers for names' }
  return ofText ? undefined : { list: [value], seen: 'single element' }
}

const compareObject = ({ properties = {}, required = [] }: Shape, value: unknown, place: Place, note: Note): void => {
  if (Array.isArray(value) && value.length === 0) note(place.member, 'object', 'empty list', 'tolerated')
  else if (!isObject(value)) {
    note(place.member, 'object', typeOf(value), 'breaking')
    return
  }
  const given: Readonly<Record<string, unknown>> = isObject(value) ? value : {}
  const example: Readonly<Record<string, unknown>> = isObject(place.example) ? place.example : {}
  const under = (name: string) => (place.member === '' ? name : `${place.member}.${name}`)
  for (const [name, schema] of Object.entries(properties)) {
    const isRequired = required.includes(name)
    if (Object.hasOwn(given, name)) {
      compare(schema, given[name], { member: under(name), example: example[name], isRequired }, note)
    } else if (isRequired || (Object.hasOwn(example, name) && !OPEN.has(name))) {
      note(under(name), 'a member', 'missing', isRequired ? 'breaking' : 'harmless')
    }
  }
  for (const [name, member] of Object.entries(given)) {
    if (!Object.hasOwn(properties, name))
      note(under(nameOf(name)), 'nothing', isObject(member) ? 'object' : typeOf(member), 'harmless')
  }
}

/** How the last page says that it is the last is not documented: a fact, no drift. */
const OPEN = new Set(['next_token'])

/** A name that looks like none of a field may be a customer's word. */
const nameOf = (name: string): string =>
  /^[a-z][a-z0-9_]{0,39}$/i.test(name) ? name : `(name of ${name.length} characters)`

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/

/** The documentation writes moments in one form. */
const compareForm = (value: unknown, { member, example }: Place, note: Note): void => {
  if (typeof example !== 'string' || !INSTANT.test(example) || typeof value !== 'string' || INSTANT.test(value)) return
  const seen = /^0000-00-00/.test(value)
    ? 'zero date'
    : /^\d{4}-\d\d-\d\d/.test(value)
      ? 'date in another form'
      : 'other text'
  note(member, 'moment as in ISO 8601', seen, 'tolerated')
}
