import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { operationsOf } from './fuzz/document.ts'
import { keepRegression, replayRegressions } from './fuzz/regressions.ts'
import type { FuzzRequest } from './fuzz/requests.ts'
import type { Tally } from './fuzz/session.ts'
import { createStage } from './fuzz/stage.ts'

/** Another at each run; `SEED=… node --test …` repeats one, and `FUZZ_RUNS=1000000` goes on for longer. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
const RUNS = Number(process.env['FUZZ_RUNS'] ?? amount(400, 20_000, 100_000))

/** Two cores are what CI has. */
const WORKERS = amount(1, 2)

const figure = figuresOf(t, 'request-fuzzing')

t.test('earlier findings stay fixed', async t => {
  const stage = await createStage()
  t.teardown(() => stage.close())

  t.test('every kept case', async t => {
    const { count, faults } = await replayRegressions(stage)
    t.ok(count >= 5, `${count} cases`)
    t.strictSame(faults, [])
    figure(`${count} kept cases replayed`)
  })

  t.test('a case with another reply than before is reported', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'regressions-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const request: FuzzRequest = {
      operationId: 'getKey',
      method: 'GET',
      target: '/accounts/s3_user_1/keys/%ED%A0%80',
      headers: { 'x-request-id': '\ud800' },
      as: { bearer: 'demo' },
      meant: {}
    }
    const file = keepRegression({ about: 'kept', status: 200, request }, folder)
    t.equal(keepRegression({ about: 'kept again', status: 200, problem: 'forbidden', request }, folder), file)
    const { count, faults } = await replayRegressions(stage, folder)
    t.equal(count, 1)
    t.match(faults, [/kept again.*: 400 instead of 200$/, /: malformed-url instead of forbidden$/])
  })

  t.test('the judge detects violations', async t => {
    const ask = { operationId: 'getUsage', method: 'GET', headers: {}, as: { bearer: 'demo' }, meant: {} } as const
    const target = '/accounts/s3_user_1/usage'
    t.strictSame((await stage.tryOut({ ...ask, target })).violations, [])
    const meant = { s3uid: 's3_user_2' }
    t.match((await stage.tryOut({ ...ask, target, meant })).violations, [/^s3uid is "s3_user_1", meant was/])
    stage.sandbox.control.fault({ kind: 'html-502', count: 10 })
    t.match((await stage.tryOut({ ...ask, target })).violations, [/^502: .*upstream-/])
    await stage.reset()
  })
})

t.test(`${RUNS} requests`, async t => {
  t.comment(`seed ${seed}`)
  process.stdout.write(`# seed of request-fuzzing: ${seed}\n`)
  const startedAt = performance.now()
  const tallies = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const workerData = { seed: seed + index, runs: Math.ceil(RUNS / WORKERS) }
      const worker = new Worker(new URL('./fuzz/worker.ts', import.meta.url), { workerData })
      t.teardown(() => worker.terminate())
      const [tally] = (await once(worker, 'message')) as [Tally & { isPolluted: boolean }]
      return tally
    })
  )
  for (const { failure } of tallies) {
    if (!failure) continue
    const file = keepRegression({ about: failure.violations[0] ?? '', request: failure.request })
    t.fail(`seed ${seed}: ${failure.violations.join('; ')}; kept as ${file}`)
  }
  const sum = (countOf: (tally: Tally) => number) => tallies.reduce((total, tally) => total + countOf(tally), 0)
  const requests = sum(tally => tally.requests)
  const reached = sum(tally => tally.reachedUpstream)
  const successes = new Set(tallies.flatMap(tally => Object.keys(tally.successes)))
  const statuses = new Set(tallies.flatMap(tally => Object.keys(tally.statuses)))

  t.ok(requests >= RUNS, `${requests} requests`)
  t.strictSame(
    tallies.map(({ isPolluted }) => isPolluted),
    tallies.map(() => false),
    'Object.prototype is unchanged'
  )
  if (RUNS >= 20_000) {
    t.ok(reached > requests / 5, `${reached} of them reached HOSTKEY`)
    const stage = await createStage()
    t.teardown(() => stage.close())
    const names = operationsOf(stage.document).map(({ operationId }) => operationId)
    t.strictSame(
      names.filter(name => !successes.has(name)),
      [],
      'every operation has succeeded at least once'
    )
  }
  const isBroken = tallies.some(({ failure }) => failure !== undefined)
  figure(`seed ${seed}, ${requests} requests in ${Math.round((performance.now() - startedAt) / 1000)} s`)
  figure(`${reached} reached HOSTKEY with ${sum(tally => tally.calls)} calls; ${[...statuses].sort().join(' ')}`)
  figure(isBroken ? 'violations found' : '0 replies 5xx, 0 undocumented replies, 0 additional upstream fields')
})
