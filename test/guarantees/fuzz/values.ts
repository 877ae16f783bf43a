import fc from 'fast-check'
import { type Document, resolved, type Schema } from './document.ts'

/** Values that exist in the sandbox, by the name of the field or parameter. */
export type Dictionary = Readonly<Record<string, readonly unknown[]>>

/** JSON that a schema allows; half of it existing values, if the dictionary has the name: for an entry of `paths` it is `path`. */
export const valueFor = (
  name: string,
  schema: Schema,
  document: Document,
  dictionary: Dictionary
): fc.Arbitrary<unknown> => {
  const made = bySchema(name, resolved(schema, document), document, dictionary)
  const known = dictionary[name]
  if (!known) return made
  // Chosen when it is used: a reset of the stage replaces some of them.
  const existing = fc.nat(known.length - 1).map(place => known[place])
  return fc.oneof({ weight: 6, arbitrary: existing }, { weight: 1, arbitrary: made })
}

/** The usual length of lists. */
const MAX_ENTRIES = 4

const bySchema = (name: string, schema: Schema, document: Document, dictionary: Dictionary): fc.Arbitrary<unknown> => {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(each => valueFor(name, each, document, dictionary)))
  if (schema.type === 'string') return textOf(schema)
  if (schema.type === 'integer') return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 2 ** 31 - 1 })
  if (schema.type === 'number') {
    return fc.double({ min: schema.minimum ?? 0, max: schema.maximum ?? 1e9, noNaN: true, noDefaultInfinity: true })
  }
  if (schema.type === 'boolean') return fc.boolean()
  if (schema.type === 'array' && schema.items) {
    const { items, minItems = 0, maxItems = MAX_ENTRIES } = schema
    const entry = valueFor(name.replace(/s$/, ''), items, document, dictionary)
    return fc.array(entry, { minLength: minItems, maxLength: Math.min(maxItems, Math.max(MAX_ENTRIES, minItems)) })
  }
  if (schema.type === 'object') return objectOf(schema, document, dictionary)
  throw new TypeError(`no values are made for ${name}: ${JSON.stringify(schema)}`)
}

const objectOf = ({ properties = {}, required = [] }: Schema, document: Document, dictionary: Dictionary) =>
  someOf(
    Object.entries(properties).map(([name, each]) => ({
      name,
      required: required.includes(name),
      arbitrary: valueFor(name, each, document, dictionary)
    }))
  )

/** Maximum number of members at once: with more, one of them would nearly always be refused. */
const MAX_OPTIONAL = 2

/** An object with the required members and some of the others. */
export const someOf = <T>(
  members: readonly { name: string; required: boolean; arbitrary: fc.Arbitrary<T> }[]
): fc.Arbitrary<Record<string, T>> => {
  const optional = members.filter(({ required }) => !required).map(({ name }) => name)
  return fc
    .tuple(
      fc.tuple(...members.map(({ arbitrary }) => arbitrary)),
      fc.subarray(optional, { maxLength: Math.min(MAX_OPTIONAL, optional.length) })
    )
    .map(([values, chosen]) =>
      Object.fromEntries(
        members.flatMap(({ name, required }, place) =>
          required || chosen.includes(name) ? [[name, values[place] as T]] : []
        )
      )
    )
}

/** The usual length of texts; `hostile.ts` tries lengths near the limits. */
const LONGEST = 80

const textOf = (schema: Schema): fc.Arbitrary<string> => {
  if (schema.format === 'uuid') return fc.uuid()
  if (schema.format === 'date') {
    return fc
      .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
      .map(date => date.toISOString().slice(0, 10))
  }
  const { pattern = '', minLength = 0 } = schema
  const fits = new RegExp(pattern, 'u')
  const maxLength = Math.min(schema.maxLength ?? LONGEST, Math.max(LONGEST, minLength))
  const letters = fc.string({ unit: fc.constantFrom(...'abcxyz0189-_.'), minLength, maxLength })
  const anything = fc.string({ unit: 'binary', minLength, maxLength })
  // A bucket of an account, and a folder.
  const part = fc.string({ unit: fc.constantFrom(...'abcxyz0189-_'), minLength: 1, maxLength: 60 })
  const pair = fc.tuple(part, part).map(parts => parts.join('/'))
  const folder = anything.map(text => `${text}/`)
  const candidates =
    pattern === ''
      ? [letters, anything]
      : [shaped(pattern), letters, anything, pair, folder, fc.emailAddress()].filter(isOften(fits))
  if (candidates.length === 0) throw new TypeError(`no text is made for ${pattern}`)
  return fc.oneof(...candidates).filter(text => fits.test(text) && text.length >= minLength && text.length <= maxLength)
}

/**
 * fast-check generates texts for most patterns, and throws for those with a look-ahead. For a class of all but a few
 * characters it builds a table of a million entries, which takes seconds.
 */
const shaped = (pattern: string): fc.Arbitrary<string> => {
  if (pattern.includes('[^')) return fc.constant('')
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'))
  } catch {
    return fc.constant('')
  }
}

/** A filter that drops nearly everything would never end. */
const isOften = (fits: RegExp) => (arbitrary: fc.Arbitrary<string>) =>
  fc.sample(arbitrary, { numRuns: 50, seed: 1 }).filter(text => fits.test(text)).length >= 15
