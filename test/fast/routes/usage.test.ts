import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { fakeUpstream } from '../../support/fakes/upstream.ts'
import { gateway } from '../../support/harness/gateway.ts'

t.test('GET /accounts/:s3uid/usage', async t => {
  const { get, post, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const usage = '/accounts/s3_user_1/usage'

  t.test('200 returns storage, quota, traffic and snapshots, without the key pair that HOSTKEY sends', async t => {
    const buckets = control.state().buckets.filter(({ s3uid }) => s3uid === 's3_user_1')
    const storageBytes = buckets.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const reply = await get(usage)
    succeeds(t, reply, 200, {
      storageBytes,
      quotaBytes: 268_435_456_000,
      quotaUsedRatio: storageBytes / 268_435_456_000,
      growthBytesPerDay: 208_000_000,
      daysUntilFull: 1290,
      basis: { snapshots: 5, from: '2023-10-23T10:00:00.000Z', to: '2023-10-27T10:00:00.000Z' },
      bandwidth: 102_400,
      buckets: buckets.map(({ name, sizeBytes }) => ({ name, storageBytes: sizeBytes })),
      snapshots: [
        { storageBytes: 128_000_000, bandwidth: 20_480, createdAt: '2023-10-23T10:00:00Z' },
        { storageBytes: 224_000_000, bandwidth: 40_960, createdAt: '2023-10-24T10:00:00Z' },
        { storageBytes: 352_000_000, bandwidth: 61_440, createdAt: '2023-10-25T10:00:00Z' },
        { storageBytes: 512_000_000, bandwidth: 81_920, createdAt: '2023-10-26T10:00:00Z' },
        { storageBytes: 1_024_000_000, bandwidth: 102_400, createdAt: '2023-10-27T10:00:00Z' }
      ]
    })
    t.strictSame(asked(), ['get_buckets_rmq'])
  })

  t.test('200 returns the usage of all accounts, also when one of them fails', async t => {
    await post('/accounts', { planId: 1, bucketName: 'second-account' })
    control.clearCalls()
    control.fault({
      kind: 'refusal',
      action: 'get_buckets_rmq',
      text: 'S3 account not found for this customer',
      count: 1
    })
    const reply = await get('/usage')
    const { items, partial, truncated } = reply.json()
    t.match(items, [{ s3uid: /^s3_user_/, quotaBytes: Number }], reply.text)
    t.match(partial, [{ s3uid: /^s3_user_/, problem: { status: 404 } }])
    t.strictSame([items.length, partial.length, truncated], [1, 1, false])
    t.strictSame(asked(), ['get_users', 'get_buckets_rmq', 'get_buckets_rmq'])
  })

  t.test('404 account-not-found when the account is another customer’s', async t => {
    fails(t, await get('/accounts/s3_user_2/usage'), 404, 'account-not-found')
  })

  t.test('503 upstream-throttled with Retry-After when HOSTKEY’s queue is overloaded', async t => {
    control.fault({ kind: 'refusal', text: 's3/get_buckets_rmq: queue unavailable' })
    const reply = await get(usage)
    fails(t, reply, 503, 'upstream-throttled', { retryable: true })
    t.equal(reply.headers['retry-after'], '5')
  })
})

t.test('200 with the growth of measurements in any order and form; null where there are too few', async t => {
  const quota = 100_000
  const rows = [3, 1, 0, 2, 3].map(day => ({
    storage_usage: 1000 * (day + 1),
    created_at: `2026-01-0${day + 1} 12:00:00`
  }))
  const measured: Record<string, object[]> = { one: rows, two: rows.slice(0, 2), three: [] }
  const { url } = await fakeUpstream(t, {
    get_users: () => ({ s3_users: Object.keys(measured).map(s3uid => ({ s3uid })) }),
    get_buckets_rmq: ({ s3uid = '' }) => ({ message: [], quota, usage_storage: 4000, snapshots: measured[s3uid] })
  })
  const { get } = await gateway(t, { UPSTREAM_URL: url })
  const { items, partial } = (await get('/usage')).json()
  const basis = { snapshots: 4, from: '2026-01-01T12:00:00.000Z', to: '2026-01-04T12:00:00.000Z' }
  const none = { growthBytesPerDay: null, daysUntilFull: null, basis: null }
  const common = { storageBytes: 4000, quotaBytes: quota, quotaUsedRatio: 0.04 }
  t.strictSame(items, [
    { s3uid: 'one', ...common, growthBytesPerDay: 1000, daysUntilFull: 96, basis },
    { s3uid: 'two', ...common, ...none },
    { s3uid: 'three', ...common, ...none }
  ])
  t.strictSame(partial, [])
})
