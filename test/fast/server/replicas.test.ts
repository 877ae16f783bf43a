import t, { type Test } from 'tap'
import { linesWith } from '../../guarantees/redis-outage/stage.ts'
import type { Reply } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'

const count = (replies: readonly Reply[], status: number) =>
  replies.filter(({ statusCode }) => statusCode === status).length

const stores = {
  'one Redis': async (t: Test) => ({ REDIS_URL: (await redisServer(t)).url }),
  'one SQLite file': async (t: Test) => ({ SESSION_STORE: 'sqlite', DATA_DIR: temporaryFolder(t) })
}

for (const [name, settingsOf] of Object.entries(stores)) {
  t.test(`two gateways on ${name}`, async t => {
    t.test('share sessions', async t => {
      const both = await replicas(t, await settingsOf(t))
      const first = await both.browserAt(0)
      const second = await both.browserAt(1, first.cookie())

      t.test('200 on the second by a session made on the first', async t => {
        const [here, there] = await Promise.all([first.get('/session'), second.get('/session')])
        t.equal(there.statusCode, 200, there.text)
        t.strictSame(there.json(), here.json())
        t.equal((await second.get(BUCKETS)).statusCode, 200)
      })

      t.test('401 session-expired on both at once after a logout on the second', async t => {
        const other = await both.browserAt(0, first.cookie())
        t.equal((await second.logOut()).statusCode, 204)
        // Answered from the store: HOSTKEY, where the token ends too, is not asked.
        const replies = await Promise.all([other.get('/session'), first.get('/session')])
        for (const reply of replies) t.match(reply.json(), { status: 401, type: /session-expired$/ })
        t.equal(first.cookie(), undefined, 'the cookie is cleared')
      })

      t.test('401 on both after all sessions were ended on one', async t => {
        const here = await both.browserAt(0)
        const there = await both.browserAt(1)
        t.equal((await here.del('/sessions')).statusCode, 204)
        t.equal((await there.get('/session')).statusCode, 401)
      })

      t.test('the eleventh session, made on the second, ends the oldest, made on the first', async t => {
        const oldest = await both.browserAt(0)
        const next = await both.browserAt(0)
        for (let made = 2; made < 11; made += 1) await both.browserAt(made % 2)
        t.equal((await oldest.get('/session')).statusCode, 401)
        t.equal((await next.get('/session')).statusCode, 200)
      })
    })

    t.test('share one limit: together exactly so many pass', async t => {
      const MAX = 60
      let both: Awaited<ReturnType<typeof replicas>>
      let replies: Reply[]
      let attempts = 0
      do {
        both = await replicas(t, { ...(await settingsOf(t)), RATE_LIMIT_MAX: String(MAX) })
        replies = await Promise.all(Array.from({ length: 100 }, (_, index) => both.at(index % 2).get(BUCKETS)))
        attempts += 1
        // On a machine so busy that the store was late, each has counted by itself: that measures something else.
      } while (attempts < 3 && [0, 1].some(index => linesWith(both.at(index), 'the store does not answer') > 0))
      t.equal(count(replies, 200), MAX)
      t.equal(count(replies, 429), 100 - MAX)
    })

    t.test('log in once for a service that both serve', async t => {
      const both = await replicas(t, await settingsOf(t))
      const calls = () =>
        Promise.all(Array.from({ length: 100 }, (_, index) => both.at(index % 2).get(BUCKETS, both.service)))

      t.test('200 for 2 × 50 calls at the same time', async t => {
        t.equal(count(await calls(), 200), 100)
        t.equal(both.logins(), 1)
      })

      t.test('200 for 2 × 50 calls after HOSTKEY has ended the token', async t => {
        both.sandbox.control.expireSessions()
        both.sandbox.control.clearCalls()
        t.equal(count(await calls(), 200), 100)
        t.equal(both.logins(), 1)
      })
    })
  })
}
