import { createHash } from 'node:crypto'
import t from 'tap'
import { createSealer } from '../../../../src/auth/seal.ts'
import { createLogins } from '../../../../src/auth/services/logins.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createRedisStore } from '../../../../src/store/redis.ts'
import type { Auth } from '../../../../src/upstream/auth.ts'
import { timeUntil } from '../../../guarantees/redis-outage/stage.ts'
import { redisAt, redisServer } from '../../../support/harness/redis.ts'

const KEY = new Secret('an api key')
const LOCK = `login:${createHash('sha256').update(KEY.reveal()).digest('base64url')}:lock`

t.test('a login when a replica could not release its lock, because Redis froze', async t => {
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
    const store = await createRedisStore(redisAt(redis.url))
    t.after(() => store.close())
    return { store, ...createLogins(auth, store, createSealer([new Secret('s'.repeat(32))]), now) }
  }
  const first = await replica()
  // The clock of the second replica advances by 250 ms each time it is read: the test does not sleep.
  let at = Date.now()
  const second = await replica(() => (at += 250))

  // Redis receives the claim, and executes it only after it thaws.
  redis.freeze()
  await first.store.claim(LOCK, 'first', 10_000).catch(() => undefined)
  t.equal((await first.grant(KEY)).token.reveal(), 'token 1', 'it does not wait for Redis')
  redis.thaw()
  await timeUntil(async () => (await first.store.check()) === undefined)
  t.match(await redis.dump(), [/lock "first"$/], 'the store holds the lock, but no token')

  t.equal((await second.grant(KEY)).token.reveal(), 'token 2', 'the other replica logs in itself')
  t.equal(logins, 2)
})
