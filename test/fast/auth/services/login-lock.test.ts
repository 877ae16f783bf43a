import { createHash } from 'node:crypto'
import t from 'tap'
import { createSealer } from '../../../../src/auth/seal.ts'
import { createLogins } from '../../../../src/auth/services/logins.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createRedisStore } from '../../../../src/store/redis.ts'
import type { Auth } from '../../../../src/upstream/auth.ts'
import { timeUntil } from '../../../guarantees/redis-outage/stage.ts'
import { redisServer } from '../../../support/harness/redis.ts'

const KEY = new Secret('an api key')
const LOCK = `login:${createHash('sha256').update(KEY.reveal()).digest('base64url')}:lock`

t.test('a lock that a replica could not give back, because Redis froze in between', async t => {
  const redis = await redisServer(t)
  let logins = 0
  const auth: Auth = {
    async grant() {
      logins += 1
      return { token: new Secret(`token ${logins}`), identity: { customerId: 7, expiresAt: Date.now() + 3_600_000 } }
    },
    identify: async () => ({}),
    revoke: async () => undefined
  }
  const replica = async (now: () => number = Date.now) => {
    const store = await createRedisStore(redis.url)
    t.after(() => store.close())
    return { store, ...createLogins(auth, store, createSealer([new Secret('s'.repeat(32))]), now) }
  }
  const first = await replica()
  // Each look at the clock of the second is a quarter of a second later: nobody sleeps.
  let at = Date.now()
  const second = await replica(() => (at += 250))

  // The lock is asked for and not answered; when Redis goes on, it does what it was asked.
  redis.freeze()
  await first.store.claim(LOCK, 'first', 10_000).catch(() => undefined)
  t.equal((await first.grant(KEY)).token.reveal(), 'token 1', 'nobody waits for Redis')
  redis.thaw()
  await timeUntil(() => first.store.isUp())
  t.match(await redis.dump(), [/lock "first"$/], 'the lock is there, and the token is not')

  t.equal((await second.grant(KEY)).token.reveal(), 'token 2', 'the other logs in by itself in the end')
  t.equal(logins, 2)
})
