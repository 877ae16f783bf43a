import { deepEqual, notEqual } from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { bySegment, deletionOf, FILES, fileDeletions, isFilePath, shown, ways } from '../support/file-deletions.ts'
import { figuresOf } from '../support/promises.ts'

/** Another at each run; `SEED=… node --test …` repeats one. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

/** For each of the eleven exact ways, and twice as many for the one that is not: 2,340 cases in all. */
const RUNS = 180

/** What a path must not become: names of buckets, accounts and routes beside the bucket that holds the file. */
const others = ['logs', 'holiday-pictures', 'empty-bucket', 's3_user_1', 's3_user_2', 'accounts', 'buckets', 'files']

/** What URL libraries, routers and decoders take for something else than a letter. */
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

/** `../../../../s3_user_1` and its like. */
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

const hostilePath = fc.oneof(
  { weight: 4, arbitrary: climb },
  { weight: 3, arbitrary: straight },
  { weight: 5, arbitrary: wander },
  { weight: 1, arbitrary: long },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) }
)

const coins = fc.array(fc.boolean(), { minLength: 1, maxLength: 16 })

const figures = figuresOf(t, 'T-PATH')

t.test('no deletion of a file becomes another deletion', async t => {
  t.comment(`seed ${seed}`)
  const { byRaw, byFetch, sandbox } = await fileDeletions(t)
  const send = { raw: byRaw, fetch: byFetch }
  const bucketsBefore = sandbox.control.state().buckets.length
  let deletions = 0
  let strays = 0
  let tried = 0

  for (const [index, { name, by, targetOf, loses }] of ways.entries()) {
    t.test(`HOSTKEY sees the deletion of exactly that path, or nothing: ${name}`, async t => {
      const property = fc.asyncProperty(hostilePath, coins, async (path, coins) => {
        const { seen } = await send[by](targetOf(path, place => coins[place % coins.length] ?? false))
        tried += 1
        strays += seen.filter(call => !isDeepStrictEqual(call, deletionOf(path))).length
        deepEqual(seen, isFilePath(path) && !loses?.(path) ? [deletionOf(path)] : [])
        deletions += seen.length
      })
      // Each way has paths of its own.
      await holds(t, property, { seed: seed + index, numRuns: RUNS })
    })
  }

  t.test('most of the paths were deletions', async t => {
    t.ok(deletions > (ways.length * RUNS) / 2, `${deletions} of ${ways.length * RUNS}`)
    t.equal(sandbox.control.state().buckets.length, bucketsBefore, 'no bucket is gone')
    figures(
      `${strays} deletions of anything else in ${tried} requests by ${ways.length} ways, ${deletions} of the file`
    )
  })
})

/** `fetch` climbs before it sends: the request names another thing, and no server can tell that a file was meant. */
t.test('no deletion of a file becomes that of an account: /files/* encoded by segment, fetch', async t => {
  t.comment(`seed ${seed}`)
  const { byFetch, sandbox } = await fileDeletions(t)
  const accountsBefore = sandbox.control.state().accounts.length
  const arrivedAtAccount: string[] = []
  let tried = 0
  let accountsDeleted = 0
  const property = fc.asyncProperty(hostilePath, async path => {
    const { seen, problem } = await byFetch(`${FILES}/${bySegment(path)}`)
    tried += 1
    accountsDeleted += seen.filter(({ action }) => action === 'delete_account').length
    for (const { action } of seen) notEqual(action, 'delete_account')
    if (problem === 'confirmation-required') arrivedAtAccount.push(path)
  })
  await holds(t, property, { numRuns: 2 * RUNS, examples: [['../../../../s3_user_1']] })
  t.ok(arrivedAtAccount.length > 0, `${arrivedAtAccount.length} arrived at an account and were refused there`)
  t.equal(sandbox.control.state().accounts.length, accountsBefore, 'no account is gone')
  figures(
    `${accountsDeleted} accounts deleted by ${tried} paths that a client rewrites; ${arrivedAtAccount.length} came near`
  )
})

/** Fails with the smallest case that was found, and what became of it. */
const holds = async <T>(t: Test, property: fc.IAsyncProperty<T>, options: fc.Parameters<T>) => {
  const { failed, numRuns, counterexample, errorInstance } = await fc.check(property, { seed, ...options })
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  t.notOk(failed, failed ? `seed ${seed}: ${shown(counterexample, 4000)} ${shown(reason, 1000)}` : `${numRuns} paths`)
}
