import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import type { Reply } from '../../support/harness/gateway.ts'
import type { RedisServer } from '../../support/harness/redis.ts'
import { BUCKETS, isRefusedGently, linesWith, MAX_RECOVERY_MS, onRedis, probe, timeUntil } from './stage.ts'

/** A way in which Redis becomes unavailable and recovers. */
export interface Outage {
  begin(redis: RedisServer): unknown
  end(redis: RedisServer): unknown
  /** Status for an earlier session after the outage. */
  after: 200 | 401
  /** Reads still work: an order reads the plans before the write to the ledger fails. */
  isReadable?: true
}

/** By what Redis is meanwhile, such as `frozen`. */
export type Outages = Readonly<Record<string, Outage>>

type Figure = (figure: string) => void

/** Requests that need no store are served, the others get 503, and all are served soon after the outage. */
export const sessionsThrough = (t: Test, figure: Figure, outages: Outages): void => {
  for (const [name, { begin, end, after }] of Object.entries(outages)) {
    t.test(`Redis ${name}`, async t => {
      const { redis, gateway, browserAt, service, logins, sandbox } = await onRedis(t)
      const browser = await browserAt(0)
      // On a busy machine Redis may be too slow once.
      t.ok(await eventually(async () => (await browser.get(BUCKETS)).statusCode === 200))
      await begin(redis)

      t.test('503 store-unavailable for a cookie, never 401, and the cookie is untouched', async t => {
        for (let tries = 0; tries < 10; tries += 1) isRefusedGently(t, await browser.get(BUCKETS))
        for (const reply of await Promise.all(Array.from({ length: 50 }, () => browser.get(BUCKETS)))) {
          isRefusedGently(t, reply)
        }
      })

      t.test('503 store-unavailable for a login and a logout', async t => {
        isRefusedGently(t, await browser.logIn({ apiKey: sandbox.demo.apiKey }))
        isRefusedGently(t, await browser.logOut())
      })

      t.test('200 for bearers and services, which need no store', async t => {
        sandbox.control.clearCalls()
        const credentials = Array.from({ length: 60 }, (_, index) => (index % 2 ? service : {}))
        const replies = await Promise.all(credentials.map(credential => gateway.get(BUCKETS, credential)))
        t.strictSame([...new Set(replies.map(({ statusCode }) => statusCode))], [200])
        t.equal(logins(), 1, 'the process logs in once by itself')
      })

      t.test('reports the outage once: not ready, but alive', async t => {
        t.equal(await probe(gateway, 'livez'), 200)
        for (let looks = 0; looks < 30; looks += 1) {
          t.equal(await probe(gateway, 'readyz'), 503)
          await pause(10)
        }
        // The order ledger, on the same Redis, reports its own.
        t.equal(linesWith(gateway, '"part":"store","cause"'), 1)
      })

      t.test(`${after} within ${MAX_RECOVERY_MS} ms of its return`, async t => {
        await end(redis)
        let last: Reply | undefined
        const ms = await timeUntil(async () => {
          last = await browser.get(BUCKETS)
          return last.statusCode !== 503
        })
        t.equal(last?.statusCode, after, last?.text ?? '')
        t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms`)
        t.ok((await timeUntil(async () => (await probe(gateway, 'readyz')) === 200)) <= MAX_RECOVERY_MS)
        t.equal((await (await browserAt(0)).get(BUCKETS)).statusCode, 200, 'and a new login works')
        figure(`recovery of a Redis that was ${name}: ${ms.toFixed(0)} ms`)
      })
    })
  }
}

const order = (bucketName: string) =>
  ['/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': `key-of-${bucketName}-0000` } }] as const

/** An order that cannot be recorded is not sent. */
export const ordersThrough = (t: Test, figure: Figure, outages: Outages): void => {
  for (const [name, { begin, end, isReadable }] of Object.entries(outages)) {
    t.test(`orders while Redis is ${name}`, async t => {
      const { redis, gateway, sandbox } = await onRedis(t, {}, ['--appendonly', 'yes'])
      sandbox.control.setCredit('demo', 1_000_000)
      t.equal((await gateway.post(...order('before'))).statusCode, 201)
      await begin(redis)
      sandbox.control.clearCalls()

      t.test('503 store-unavailable, and HOSTKEY is not called', async t => {
        for (const bucketName of ['first', 'first', 'second', 'third']) {
          fails(t, await gateway.post(...order(bucketName)), 503, 'store-unavailable', {
            outcome: 'not-applied',
            retryable: true
          })
        }
        const calls = sandbox.control.calls().map(({ action }) => action)
        t.strictSame(
          calls.filter(action => !isReadable || action !== 'list_plans'),
          []
        )
        figure(`orders while Redis is ${name}: 4 of 4 503; calls upstream: ${calls.join(' ') || 0}`)
      })

      t.test('201 with the same key when it is back', async t => {
        await end(redis)
        const ms = await timeUntil(async () => (await gateway.post(...order('first'))).statusCode === 201)
        t.ok(Number.isFinite(ms))
        t.equal(sandbox.control.calls().filter(({ action }) => action === 'create_order').length, 1)
      })
    })
  }
}
