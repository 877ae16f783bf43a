import { randomUUID } from 'node:crypto'
import t from 'tap'
import { gateway } from '../../support/harness/gateway.ts'
import { ALL, createJob, jobAfter } from '../../support/harness/jobs.ts'
import { redisServer } from '../../support/harness/redis.ts'

/** Keys that stay, and what bounds them. */
const STAYING: [RegExp, string][] = [
  [/^hks3:jobs-(position|open)$/, 'a counter, and the jobs that have not ended'],
  [
    /^hks3:jobs-of:[^:]+$/,
    'one for each customer: the jobs that exist, and those that have expired since the last creation'
  ],
  [/^hks3:queue:jobs:(meta|id|marker|stalled-check)$/, "BullMQ's settings and counters"],
  [/^hks3:queue:jobs:events$/, 'a stream that BullMQ cuts at 10,000 events']
]

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
  const { jobId } = await createJob({ get, post }, ALL)
  t.equal((await jobAfter({ get }, jobId)).state, 'succeeded')

  const keys = (await redis.command('KEYS', '*')) as string[]
  const areas = new Set(keys.map(key => key.split(':')[1]))
  t.ok(areas.size >= 8, [...areas].join(' '))
  const lives = await Promise.all(keys.map(async key => [key, Number(await redis.command('PTTL', key))] as const))
  t.same(
    lives.filter(([key, ms]) => (ms === -1 || ms > MAX_MS) && !STAYING.some(([pattern]) => pattern.test(key))),
    [],
    'every other key expires'
  )

  const list = 'hks3:jobs-of:1002'
  await redis.command('DEL', ...keys.filter(key => key.startsWith('hks3:job:')))
  const { jobId: next } = await createJob({ get, post }, ALL)
  t.same(await redis.command('ZRANGE', list, '0', '-1'), [next], 'a creation removes those that have expired')
})
