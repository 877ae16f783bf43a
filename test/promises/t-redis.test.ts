import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { fails } from '../support/expect.ts'
import type { Reply } from '../support/gateway.ts'
import { BUCKETS, isRefusedGently, linesWith, MOST_RECOVERY_MS, onRedis, probe, timeUntil } from '../support/outage.ts'
import { figuresOf } from '../support/promises.ts'
import type { RedisServer } from '../support/redis.ts'

/** Other test files run at the same time, and the first may have to install Redis. */
t.setTimeout(110_000)

const figures = figuresOf(t, 'T-REDIS')

interface Outage {
  begin(redis: RedisServer): unknown
  end(redis: RedisServer): unknown
  /** What a session that was there before is worth afterwards. */
  after: 200 | 401
}

const outages: Record<string, Outage> = {
  'killed and restarted empty': { begin: redis => redis.kill(), end: redis => redis.start(), after: 401 },
  frozen: { begin: redis => redis.freeze(), end: redis => redis.thaw(), after: 200 },
  'read-only, a replica without its master': {
    begin: redis => redis.command('REPLICAOF', '127.0.0.1', '1'),
    end: redis => redis.command('REPLICAOF', 'NO', 'ONE'),
    after: 200
  }
}

for (const [name, { begin, end, after }] of Object.entries(outages)) {
  t.test(`Redis ${name}`, async t => {
    const { redis, gateway, browserAt, service, logins, sandbox } = await onRedis(t)
    const browser = await browserAt(0)
    t.equal((await browser.get(BUCKETS)).statusCode, 200)
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

    t.test('tells operators once: not ready, and alive', async t => {
      t.equal(await probe(gateway, 'livez'), 200)
      for (let looks = 0; looks < 30; looks += 1) {
        t.equal(await probe(gateway, 'readyz'), 503)
        await pause(10)
      }
      t.equal(linesWith(gateway, 'the store does not answer'), 1)
    })

    t.test(`${after} within ${MOST_RECOVERY_MS} ms of its return`, async t => {
      await end(redis)
      let last: Reply | undefined
      const ms = await timeUntil(async () => {
        last = await browser.get(BUCKETS)
        return last.statusCode !== 503
      })
      t.equal(last?.statusCode, after, last?.text ?? '')
      t.ok(ms <= MOST_RECOVERY_MS, `${ms.toFixed(0)} ms`)
      t.equal(await probe(gateway, 'readyz'), 200)
      t.equal((await (await browserAt(0)).get(BUCKETS)).statusCode, 200, 'and a new login works')
      figures(`recovery of a Redis that was ${name}: ${ms.toFixed(0)} ms`)
    })
  })

  t.test(`limits while Redis is ${name}`, async t => {
    const MAX = 20
    const { redis, gateway } = await onRedis(t, { RATE_LIMIT_MAX: String(MAX) })
    for (let used = 0; used < 5; used += 1) await gateway.get(BUCKETS)
    await begin(redis)

    t.test('429 rate-limited when a caller has had as many as ever, counted in the process', async t => {
      const replies: Reply[] = []
      while (replies.length < MAX + 10) replies.push(await gateway.get(BUCKETS))
      const statuses = replies.map(({ statusCode }) => statusCode)
      const passed = statuses.indexOf(429)
      // A busy machine may have counted some of the first five here: a Redis that is slow is away as well.
      t.ok(passed >= MAX - 5 && passed <= MAX, `${passed} passed`)
      t.strictSame(statuses, [...Array(passed).fill(200), ...Array(statuses.length - passed).fill(429)])
      for (const reply of replies.slice(MAX)) fails(t, reply, 429, 'rate-limited')
    })

    t.test('429 rate-limited when logins come too fast, though none can succeed', async t => {
      const guess = () =>
        gateway.post('/session', { token: 'a'.repeat(32) }, { token: null, headers: { 'x-csrf': '1' } })
      t.equal((await guess()).statusCode, 401, 'HOSTKEY still judges the credential')
      fails(t, await guess(), 429, 'rate-limited')
      await end(redis)
    })
  })
}
