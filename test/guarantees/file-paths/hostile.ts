import fc from 'fast-check'

/** Names of other buckets, accounts and routes: a path must not become one of them. */
const others = ['logs', 'holiday-pictures', 'empty-bucket', 's3_user_1', 's3_user_2', 'accounts', 'buckets', 'files']

/** Characters with a meaning for URL libraries, routers or decoders. */
const traps = [
  ...['.', '..', '...', '%2e', '%2E%2e', '.%2e', '%252e', '%2F', '%5c', '%', '%%', '%zz', '%FF', '%00', '%25'],
  ...['?', '?path=logs', '#', '&', '&path=logs', '=', '+', ' ', ';', ':', '@', '[]', '\t', '\r\n', '\0'],
  ...['\u00e9', 'e\u0301', '\u{1f600}', '\u2028', '\ufeff', '\uff0e\uff0e', 'a', '']
]

const slash = fc.constantFrom('/', '/', '/', '//', '\\', '%2F', '%2f', '%5C')

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...traps) },
  { weight: 3, arbitrary: fc.constantFrom(...others) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) }
)

/** Paths such as `../../../../s3_user_1`. */
const climb = fc
  .tuple(
    fc.array(fc.constantFrom('..', '..', '..', '.', '%2e%2e', '.%2E', 'x/..'), { maxLength: 6 }),
    slash,
    fc.subarray(others, { maxLength: 2 }),
    fc.constantFrom('', '', '/', '/..', '?x', '#x')
  )
  .map(([dots, slash, names, tail]) => [...dots, ...names].join(slash) + tail)

const straight = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(...others))
  .map(([up, name]) => `${'../'.repeat(up)}${name}`)

const wander = fc.array(fc.tuple(piece, slash), { maxLength: 8 }).map(pairs => pairs.flat().join(''))

const long = fc
  .tuple(fc.constantFrom('x', '../', '%', '\u00e9', '\u{1f600}'), fc.integer({ min: 1018, max: 1030 }))
  .map(([unit, bytes]) => unit.repeat(bytes / Buffer.byteLength(unit)).padEnd(3, 'x'))

/** Paths that URL libraries, routers and decoders may change. */
export const hostilePath = fc.oneof(
  { weight: 4, arbitrary: climb },
  { weight: 3, arbitrary: straight },
  { weight: 5, arbitrary: wander },
  { weight: 1, arbitrary: long },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) }
)

/** For each character of a path: is it encoded without need? Repeats from the start. */
export const coins = fc.array(fc.boolean(), { minLength: 1, maxLength: 16 })
