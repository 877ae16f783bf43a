import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { Outages } from '../../guarantees/redis-outage/guarantees.ts'
import { BUCKETS, onRedis, probe, timeUntil } from '../../guarantees/redis-outage/stage.ts'
import { percentile, timesOf } from '../../support/harness/latency.ts'

/**
 * The guaranteed maximum of additional latency: a rate limit waits once, 50 ms, and a session for the time-out of Redis,
 * 250 ms. Those that waited go on together.
 */
const MAX_ADDED_MS = { bearer: 80, cookie: 350 } as const
/** Before the outage: a busy machine. */
const QUIET_MS = 60

/** Other programs may load the machine: one quiet measurement is enough. */
const ATTEMPTS = 8

/** Two in a hundred requests detect the outage and wait: the p99 is one of them. */
const LOAD = { requests: 400, callers: 8 }

/** Requests during the start of an outage wait a little longer, with every authentication scheme. */
export const waitsThrough = async (
  t: Test,
  figure: (figure: string) => void,
  outages: Readonly<Record<string, Pick<Outages[string], 'begin' | 'end'>>>
): Promise<void> => {
  const { redis, gateway, browserAt } = await onRedis(t)
  const authenticators = {
    bearer: { enter: async () => () => gateway.get(BUCKETS), meanwhile: 200, maxAddedMs: MAX_ADDED_MS.bearer },
    cookie: {
      enter: async () => browserAt(0).then(browser => () => browser.get(BUCKETS)),
      meanwhile: 503,
      maxAddedMs: MAX_ADDED_MS.cookie
    }
  }
  let measured = 0
  // Code that has not run yet is slow.
  await timesOf(await authenticators.bearer.enter(), LOAD)

  for (const [outage, { begin, end }] of Object.entries(outages)) {
    for (const [authScheme, { enter, meanwhile, maxAddedMs }] of Object.entries(authenticators)) {
      t.test(`${outage}: a ${authScheme} waits at most ${maxAddedMs} ms longer, p99`, async t => {
        // The best of each: a slow measurement before the outage would hide any wait.
        const best = { before: Number.POSITIVE_INFINITY, during: Number.POSITIVE_INFINITY }
        const added = () => best.during - best.before
        const isQuiet = () => best.before <= QUIET_MS && added() <= maxAddedMs
        for (let attempt = 0; attempt < ATTEMPTS && !isQuiet(); attempt += 1) {
          await timeUntil(async () => (await probe(gateway, 'readyz')) === 200)
          // A new session, because a killed Redis has lost the old one.
          const get = await enter()
          const statuses = new Set<number>()
          const send = async () => statuses.add((await get()).statusCode)
          const before = await timesOf(send, LOAD)
          // On a busy machine Redis may exceed its time-out before the outage: such a measurement does not count.
          if (!isDeepStrictEqual([...statuses], [200])) continue
          statuses.clear()
          // The first requests after this detect the outage.
          await begin(redis)
          const during = await timesOf(send, LOAD)
          await end(redis)
          t.strictSame([...statuses], [meanwhile])
          best.before = Math.min(best.before, percentile(before, 99))
          best.during = Math.min(best.during, percentile(during, 99))
        }
        figure(`${outage}, ${authScheme}: p99 ${best.before.toFixed(1)} ms before, ${best.during.toFixed(1)} ms during`)
        measured += 1
        t.ok(added() <= maxAddedMs, `${added().toFixed(1)} ms`)
      })
    }
  }

  t.test('figures', async t => {
    t.equal(measured, Object.keys(outages).length * Object.keys(authenticators).length)
  })
}
