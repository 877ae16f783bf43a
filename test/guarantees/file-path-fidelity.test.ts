import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { amount, isLong } from '../support/harness/amount.ts'
import { openBrowser } from '../support/harness/chromium.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { deletionOf, fileDeletions, shown, ways } from '../support/harness/file-deletions.ts'
import { expected, requestOf, type Tally } from './file-paths/deletions.ts'
import { coins, hostilePath } from './file-paths/hostile.ts'
import { keepRegression, keptIn } from './fuzz/regressions.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
const KEYS = Number(process.env['PATH_KEYS'] ?? amount(100, 1000, 10_000))
const KEYS_OF_CHROMIUM = 200

/** CI has two cores. */
const WORKERS = amount(1, 2)

/** Folder of the cases that a run found; every later run replays them. */
const REGRESSIONS = 'test/regressions/file-path-fidelity/'

process.stdout.write(`# seed of file-path-fidelity: ${seed}\n`)
const figure = figuresOf(t, 'file-path-fidelity')

t.test('earlier findings stay fixed', async t => {
  const { byRaw } = await fileDeletions(t)
  const kept = keptIn(REGRESSIONS)
  t.ok(kept.length >= 3, `${kept.length} cases`)
  for (const { file, about, request } of kept) {
    const { seen } = await byRaw(request.target)
    const strays = seen.filter(call => !isDeepStrictEqual(call, deletionOf(request.meant['path'] ?? '')))
    t.strictSame(strays, [], `${file}: ${about}`)
  }
})

t.test(`no deletion of a file becomes another deletion: ${KEYS} paths by raw sockets and by fetch`, async t => {
  const startedAt = performance.now()
  const tallies = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const workerData = { seed: seed + index, keys: Math.ceil(KEYS / WORKERS) }
      const worker = new Worker(new URL('./file-paths/worker.ts', import.meta.url), { workerData })
      const [tally] = (await once(worker, 'message')) as [Tally & { accountsGone: number }]
      return tally
    })
  )
  for (const { failure } of tallies) {
    if (failure) t.fail(`seed ${seed}: ${failure.about}; kept as ${keepRegression(failure, REGRESSIONS)}`)
  }
  const sum = (countOf: (tally: Tally & { accountsGone: number }) => number) =>
    tallies.reduce((total, tally) => total + countOf(tally), 0)
  const keys = sum(tally => tally.keys)
  const requests = sum(tally => tally.requests)
  const deletions = sum(tally => tally.deletions)
  t.ok(keys >= KEYS, `${keys} paths`)
  t.equal(requests, 2 * keys)
  t.equal(
    sum(tally => tally.strays),
    0
  )
  // With few paths a way may be left out.
  for (const { name } of isLong ? ways : []) {
    t.ok(sum(tally => tally.byWay[name] ?? 0) > requests / ways.length / 2, `${name} is taken often enough`)
  }
  t.ok(deletions > requests / 2, `most of the paths were deletions: ${deletions} of ${requests}`)
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  figure(`seed ${seed}, ${keys} paths by ${ways.length} ways, ${requests} requests in ${seconds} s`)
  figure(`${deletions} deletions of the file, ${sum(tally => tally.strays)} of anything else`)

  t.test('no path that its client rewrites deletes an account', async t => {
    const tried = sum(({ rewritten }) => rewritten.tried)
    const cameNear = sum(({ rewritten }) => rewritten.cameNear)
    const gone = sum(({ accountsGone }) => accountsGone)
    t.equal(gone, 0)
    t.equal(
      sum(({ rewritten }) => rewritten.accounts),
      0
    )
    t.ok(cameNear > 0 || !isLong, `${cameNear} arrived at an account and were refused there`)
    // Deleting a bucket needs no confirmation: only HOSTKEY refuses one that is not empty.
    const buckets = sum(({ rewritten }) => rewritten.buckets)
    figure(
      `${gone} accounts deleted by ${tried} paths that a client rewrites; ${cameNear} came near, ${buckets} became a deletion of a bucket`
    )
  })
})

if (isLong) {
  t.test(`nor does a path that Chromium sends: ${KEYS_OF_CHROMIUM} paths`, async t => {
    const { url, sandbox, witnessed } = await fileDeletions(t)
    const page = await (await openBrowser(t, { width: 400 })).newPage()
    await page.goto(`${url}/docs`)
    const options = JSON.stringify({ method: 'DELETE', headers: { authorization: `Bearer ${sandbox.demo.token}` } })
    const sent = async (target: string) => {
      const ask = `fetch(new URL(${JSON.stringify(target)}, location.origin), ${options})`
      const [status, body] = (await page.evaluate(
        `${ask}.then(async reply => [reply.status, await reply.text()])`
      )) as [number, string]
      return { statusCode: status, headers: {}, text: body, json: () => JSON.parse(body) }
    }
    const fetched = ways.filter(({ by }) => by === 'fetch')
    const cases = fc.sample(fc.tuple(hostilePath, coins, fc.constantFrom(...fetched)), {
      seed,
      numRuns: KEYS_OF_CHROMIUM
    })
    let deletions = 0
    for (const [path, coins, way] of cases) {
      const target = way.targetOf(path, place => coins[place % coins.length] ?? false)
      const { seen } = await witnessed(target, () => sent(target))
      deletions += seen.length
      if (isDeepStrictEqual(seen, expected(path, way))) continue
      const about = `${way.name}, Chromium: ${shown(path, 2000)} became ${shown(seen, 1000)}`
      t.fail(
        `seed ${seed}: ${about}; kept as ${keepRegression({ about, request: requestOf(path, way, target) }, REGRESSIONS)}`
      )
      break
    }
    t.equal(cases.length, KEYS_OF_CHROMIUM)
    t.ok(deletions > KEYS_OF_CHROMIUM / 2, `${deletions} deletions`)
    figure(`Chromium: ${cases.length} paths, ${deletions} deletions of the file, the others of nothing`)
  })
}
