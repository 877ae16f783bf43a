import t, { type Test } from 'tap'
import type { Gateway, Reply } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'

const count = (replies: readonly Reply[], status: number) =>
  replies.filter(({ statusCode }) => statusCode === status).length

/** Number of commands that the store did not answer in time. */
const late = async ({ managementUrl }: Gateway): Promise<number> => {
  const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
  return Number(/^gateway_store_command_failures_total\{.*\} (\d+)$/m.exec(metrics)?.[1])
}

const stores = {
  'one Redis': async (t: Test) => ({ REDIS_URL: (await redisServer(t)).url }),
  'one SQLite file': async (t: Test) => ({ SESSION_STORE: 'sqlite', DATA_DIR: temporaryFolder(t) })
}

for (const [name, settingsOf] of Object.entries(stores)) {
  t.test(`two gateways with ${name}`, async t => {
    const both = await replicas(t, await settingsOf(t))
    const first = await both.browserAt(0)
    const second = await both.browserAt(1, first.cookie())

    t.test('200 on the second for a session that the first created', async t => {
      const [here, there] = await Promise.all([first.get('/session'), second.get('/session')])
      t.equal(there.statusCode, 200, there.text)
      t.strictSame(there.json(), here.json())
      t.equal((await second.get(BUCKETS)).statusCode, 200)
    })

    t.test('401 session-expired on both after a logout on the second', async t => {
      const other = await both.browserAt(0, first.cookie())
      t.equal((await second.logOut()).statusCode, 204)
      // The store answers: HOSTKEY, where the token ends too, is not called.
      const replies = await Promise.all([other.get('/session'), first.get('/session')])
      for (const reply of replies) t.match(reply.json(), { status: 401, type: /session-expired$/ })
      t.equal(first.cookie(), undefined, 'the cookie is cleared')
    })

    t.test('401 on both after DELETE /sessions on one', async t => {
      const here = await both.browserAt(0)
      const there = await both.browserAt(1)
      t.equal((await here.del('/sessions')).statusCode, 204)
      t.equal((await there.get('/session')).statusCode, 401)
    })

    t.test('an eleventh session on the second ends the oldest one, which the first created', async t => {
      const oldest = await both.browserAt(0)
      const next = await both.browserAt(0)
      for (let count = 2; count < 11; count += 1) await both.browserAt(count % 2)
      t.equal((await oldest.get('/session')).statusCode, 401)
      t.equal((await next.get('/session')).statusCode, 200)
    })

    t.test(
      'one login for a service that calls both concurrently, and one more after its token has expired',
      async t => {
        for (const isExpired of [false, true]) {
          if (isExpired) both.sandbox.control.expireSessions()
          both.sandbox.control.clearCalls()
          const calls = Array.from({ length: 100 }, (_, index) => both.at(index % 2).get(BUCKETS, both.service))
          t.equal(count(await Promise.all(calls), 200), 100)
          t.equal(both.logins(), 1)
        }
      }
    )

    t.test('one rate limit: together both serve exactly its quota', async t => {
      const MAX = 60
      // On a busy machine the store may be late: then each gateway counts by itself, which is another test.
      for (let attempts = 1; ; attempts += 1) {
        const limited = await replicas(t, { ...(await settingsOf(t)), RATE_LIMIT_MAX: String(MAX) })
        const replies: Reply[] = []
        while (replies.length < 100) {
          const wave = Array.from({ length: 4 }, (_, index) => limited.at(index % 2).get(BUCKETS))
          replies.push(...(await Promise.all(wave)))
        }
        if (attempts < 5 && (await late(limited.at(0))) + (await late(limited.at(1))) > 0) continue
        t.equal(count(replies, 200), MAX)
        t.equal(count(replies, 429), 100 - MAX)
        break
      }
    })
  })
}
