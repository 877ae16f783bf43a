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

/** Logins, keys and orders have quotas of 5, 5 and 3 of it; logins have one of the other limit. */
const STRICT_MAX = 600

/** Requests that count against strict limits, and how many one of two replicas allows. */
const strict: Record<string, { max: number; send: (at: Gateway, index: number) => Promise<Reply> }> = {
  // Failures count, once HOSTKEY has refused: the last may be one more than the part of this replica.
  login: { max: 3, send: (at, index) => guess(at, index) },
  key: { max: 2, send: ({ get }) => get('/accounts/s3_user_1/keys/access-key') },
  order: { max: 1, send: ({ post }) => post('/orders', {}) }
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
        // A quota of one cannot be divided. HOSTKEY still checks the credential, although no session can be stored.
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
      for (const [policy, { max, send }] of Object.entries(strict)) {
        t.test(`429 by \`${policy}\` after ${max}`, async t => {
          for (let index = 0; index < max; index += 1) t.notOk(isLimited(await send(at(0), index)), `${index}`)
          const reply = await send(at(0), max)
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
