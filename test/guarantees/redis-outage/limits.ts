import type { Test } from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import type { Gateway, Reply } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { replicas } from '../../support/harness/replicas.ts'
import type { Outages } from './guarantees.ts'
import { BUCKETS } from './stage.ts'

/** Requests of one caller in a minute. */
const MAX = 20

/** The part of the quota that one replica passes alone, by REPLICAS_HINT; a gateway on Redis assumes two replicas. */
const PARTS = { '': 10, 1: 20, 3: 6 }

/** Of which logins, keys and orders have 5, 5 and 3; of the other limit, logins have one. */
const STRICT_MAX = 600

/** What draws from the strict limits, with the number that one of two replicas lets pass. */
const strict: Record<string, { most: number; draw: (at: Gateway, index: number) => Promise<Reply> }> = {
  login: { most: 2, draw: (at, index) => guess(at, index) },
  key: { most: 2, draw: ({ get }) => get('/accounts/s3_user_1/keys/access-key') },
  order: { most: 1, draw: ({ post }) => post('/orders', {}) }
}

/** An invalid token, a different one each time. */
const guess = ({ post }: Gateway, index: number) =>
  post('/session', { token: String(index).padStart(32, 'a') }, { token: null, headers: { 'x-csrf': '1' } })

const isLimited = ({ statusCode }: Reply) => statusCode === 429

/** Limits hold without a shared count, and are not multiplied by the number of replicas. */
export const limitsThrough = (t: Test, outages: Outages): void => {
  for (const [name, { begin, end }] of Object.entries(outages)) {
    for (const [hint, part] of Object.entries(PARTS)) {
      t.test(`429 rate-limited after ${part} of ${MAX} while Redis is ${name}, with REPLICAS_HINT=${hint}`, async t => {
        const redis = await redisServer(t)
        const env = { REDIS_URL: redis.url, RATE_LIMIT_MAX: String(MAX), REPLICAS_HINT: hint }
        const { at } = await replicas(t, env)
        for (const index of [0, 1]) await at(index).get(BUCKETS)
        await begin(redis)
        // A quota of one has no parts. HOSTKEY still checks the credential, although no session can be stored.
        t.equal((await guess(at(0), 0)).statusCode, 401)
        fails(t, await guess(at(0), 1), 429, 'rate-limited')
        for (const index of [0, 1]) {
          const replies: Reply[] = []
          while (replies.length < MAX + 5) replies.push(await at(index).get(BUCKETS))
          const passed = replies.findIndex(isLimited)
          // On a busy machine a slow Redis counts as unavailable: the first request may have counted here.
          t.ok(passed === part || passed === part - 1, `${passed} passed`)
          t.ok(replies.slice(0, passed).every(({ statusCode }) => statusCode === 200))
          for (const reply of replies.slice(passed)) fails(t, reply, 429, 'rate-limited')
        }
        await end(redis)
      })
    }

    t.test(`strict limits while Redis is ${name}`, async t => {
      const redis = await redisServer(t)
      const { at } = await replicas(t, { REDIS_URL: redis.url, RATE_LIMIT_MAX: String(STRICT_MAX) }, { count: 1 })
      await begin(redis)
      for (const [policy, { most, draw }] of Object.entries(strict)) {
        t.test(`429 by \`${policy}\` after ${most}`, async t => {
          for (let index = 0; index < most; index += 1) t.notOk(isLimited(await draw(at(0), index)), `${index}`)
          const reply = await draw(at(0), most)
          fails(t, reply, 429, 'rate-limited')
          t.match(reply.json().detail, `\`${policy}\``)
        })
      }
      t.test('200 again when Redis is back', async t => {
        await end(redis)
        t.ok(await eventually(async () => (await at(0).get('/readyz', { token: null })).statusCode === 200))
      })
    })
  }
}
