import { randomUUID } from 'node:crypto'
import t from 'tap'
import { gateway } from '../../support/harness/gateway.ts'
import { redisServer } from '../../support/harness/redis.ts'

/** Longest life of a key: 400 days. */
const MAX_MS = 400 * 24 * 3_600_000

t.test('every key in Redis expires', async t => {
  const redis = await redisServer(t)
  const { get, post, del, sandbox } = await gateway(t, {
    REDIS_URL: redis.url,
    SESSION_SECRET: 'a-secret-of-the-servers-too-long-to-guess'
  })
  const browser = { token: null, headers: { 'x-csrf': '1' } }
  await post('/session', { token: sandbox.demo.token }, browser)
  await post('/session', { email: 'nobody@example.com', password: 'wrong' }, browser)
  await post(
    '/orders',
    { planId: 2, bucketName: `b-${randomUUID()}` },
    { headers: { 'idempotency-key': randomUUID() } }
  )
  await post('/accounts/s3_user_1/buckets', { name: 'expiring' })
  await del('/accounts/s3_user_1/buckets/expiring')
  await get('/accounts/s3_user_1/keys/secret-key')
  await get('/accounts/s3_user_1/usage')
  const keys = (await redis.command('KEYS', '*')) as string[]
  const areas = new Set(keys.map(key => key.split(':')[1]))
  t.ok(areas.size >= 5, [...areas].join(' '))
  const lives = await Promise.all(keys.map(async key => [key, Number(await redis.command('PTTL', key))] as const))
  t.same(
    // BullMQ's queue has a few keys of its own that stay.
    lives.filter(([key, ms]) => (ms === -1 || ms > MAX_MS) && !key.startsWith('hks3:queue:')),
    []
  )
})
