import fc from 'fast-check'
import t from 'tap'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway } from '../support/harness/gateway.ts'
import { BUCKET, DELETIONS, jobAfter, outcomesOf } from '../support/harness/jobs.ts'
import { LISTINGS, opens } from '../support/harness/listings.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
process.stdout.write(`# seed of job-selection: ${seed}\n`)
const figure = figuresOf(t, 'job-selection')

/** The search of 5 of 18 listings opens no folders: among few jobs they are more than half by chance. */
const MAX_INCOMPLETE = amount(0.9, 0.5)

/** S3's limit of a path, bytes of UTF-8. */
const MAX_BYTES = 1024

/** Composed and decomposed, halves of one character, equal but for case, encoded, dots, and nothing: a marker of a folder. */
const part = fc.constantFrom(
  ...['a', 'A', 'ab', '', ' ', '.', '..', '%', '%2F', '%25', '日'],
  ...['\u00e9', '\u00e9', 'e\u0301', 'e', '\u{1f600}', '\u{1f601}', '\u{1f468}\u200d\u{1f469}']
)
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'))

/** As long as a path may be. */
const filled = (path: string) => path + 'y'.repeat(MAX_BYTES - Buffer.byteLength(path))

/** A tree, and a beginning of one of its paths, cut at any UTF-16 unit: a letter from its accent, or within a character. */
const trees = fc
  .record({
    paths: fc.array(path, { minLength: 6, maxLength: 24 }),
    at: fc.nat(5),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(1, 2) }, fc.constantFrom(3, 4, 5, MAX_BYTES))
  })
  .map(({ paths, at, cut }) => {
    const chosen = paths[at] || 'a'
    const tree = new Set([
      ...paths,
      ...[chosen, `${chosen}/`, `x/${chosen}`, filled(chosen)],
      ...paths.flatMap(each => [each.normalize('NFC'), each.normalize('NFD'), each.toUpperCase(), each.toLowerCase()])
    ])
    tree.delete('')
    return { tree: [...tree], prefix: chosen.slice(0, cut) }
  })

t.test('a job deletes what begins with the prefix and nothing else, whatever HOSTKEY’s search does', async t => {
  const running = await gateway(t)
  const { control } = running.sandbox
  const count = { jobs: 0, deleted: 0, incomplete: 0, refused: 0 }

  await fc.assert(
    fc.asyncProperty(trees, fc.constantFrom(...LISTINGS), async ({ tree, prefix }, listing) => {
      control.reset()
      control.setBehaviours(listing)
      for (const path of tree) control.putFile(BUCKET, path)
      const reply = await running.post(DELETIONS, { prefix, confirm: BUCKET })
      if (!prefix.isWellFormed()) {
        if (reply.statusCode !== 400) throw new Error(`half a character: ${reply.text}`)
        count.refused += 1
        return
      }
      const { state, counts, jobId } = await jobAfter(running, reply.json().jobId)
      const bucket = control.state().buckets.find(({ name }) => name === BUCKET)
      const after = new Set(bucket?.files.map(([path]) => path))
      const begins = (path: string) => Buffer.from(path).indexOf(prefix) === 0
      const outside = tree.filter(path => !begins(path) && !after.has(path))
      if (outside.length > 0) throw new Error(`deleted outside: ${JSON.stringify(outside)}`)
      const inside = tree.filter(begins)
      const kept = inside.filter(path => after.has(path))
      const isDone = state === 'succeeded' && counts.remaining === 0
      if (isDone ? kept.length > 0 : opens(listing)) throw new Error(`left inside: ${state} ${JSON.stringify(kept)}`)
      if (!isDone && (state !== 'partly-failed' || counts.remaining !== null)) throw new Error(`it is called ${state}`)
      const outcomes = [...(await outcomesOf(running, jobId))].map(([path, outcome]) => `${outcome} ${path}`).sort()
      const deleted = inside.filter(path => !after.has(path)).map(path => `deleted ${path}`)
      if (outcomes.join('\n') !== deleted.sort().join('\n')) throw new Error(`outcomes: ${outcomes.join()}`)
      count.jobs += 1
      count.deleted += deleted.length
      count.incomplete += Number(!isDone)
    }),
    { seed, numRuns: amount(10, 60, 1000) }
  )
  figure(`${count.jobs} jobs, ${count.deleted} files: 0 deleted outside, 0 left inside of a job that is done`)
  t.ok(count.deleted > 0 && count.incomplete <= count.jobs * MAX_INCOMPLETE, JSON.stringify(count))
})
