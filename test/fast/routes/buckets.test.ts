import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const createdAt = '2023-10-01T12:00:00Z'
const snapshot = { storageBytes: 1_024_000_000, bandwidth: 102_400, createdAt: '2023-10-27T10:00:00Z' }
const items = ['holiday-pictures', 'empty-bucket', 'logs'].map(name => ({ name, createdAt }))
const ACCOUNT = '/accounts/s3_user_1'

t.test('GET /accounts/:s3uid/buckets', async t => {
  const { get, asked, sandbox, lines } = await gateway(t)
  const { control } = sandbox
  const sizes = new Map(control.state().buckets.map(({ name, sizeBytes }) => [name, sizeBytes]))
  t.beforeEach(() => control.reset())

  t.test('200 lists the buckets, without the key pair that HOSTKEY may send', async t => {
    for (const getBuckets of ['on', 'withKeys'] as const) {
      control.setBehaviours({ getBuckets })
      control.clearCalls()
      succeeds(t, await get(`${ACCOUNT}/buckets`), 200, { items, bandwidth: 102_400, snapshot })
      t.strictSame(asked(), ['get_buckets'])
    }
  })

  t.test('200 includes the storage of each bucket with expand=usage', async t => {
    const reply = await get(`${ACCOUNT}/buckets?expand=usage`)
    succeeds(t, reply, 200, {
      items: items.map(item => ({ ...item, storageBytes: sizes.get(item.name) })),
      bandwidth: 102_400,
      snapshot
    })
    t.strictSame(asked(), ['get_buckets', 'get_buckets_rmq'])
  })

  t.test(
    '200 from get_buckets_rmq when HOSTKEY has no get_buckets: called once, with a warning in the log',
    async t => {
      control.setBehaviours({ getBuckets: 'absent' })
      lines.length = 0
      const plain = await get(`${ACCOUNT}/buckets`)
      succeeds(t, plain, 200, { items: items.map(({ name }) => ({ name })), bandwidth: 102_400, snapshot })
      t.ok(lines.some(line => line.includes('"action":"get_buckets"') && line.includes('"level":"warn"')))
      control.clearCalls()
      const expanded = await get(`${ACCOUNT}/buckets?expand=usage`)
      t.strictSame(
        expanded.json().items,
        items.map(({ name }) => ({ name, storageBytes: sizes.get(name) }))
      )
      t.strictSame(asked(), ['get_buckets', 'get_buckets_rmq'])
    }
  )

  t.test('404 account-not-found when the account is missing or another customer’s', async t => {
    for (const s3uid of ['s3_user_2', 's3_user_999']) {
      fails(t, await get(`/accounts/${s3uid}/buckets`), 404, 'account-not-found', { retryable: false })
    }
  })
})

t.test('POST /accounts/:s3uid/buckets', async t => {
  const { post, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const create = (name: string, account = ACCOUNT) => post(`${account}/buckets`, { name })
  const calls = () => control.counters()['create_bucket'] ?? 0
  t.beforeEach(() => control.reset())

  t.test('201 creates the bucket, with its address in Location', async t => {
    const reply = await create('photos')
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json(), { name: 'photos', createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
    t.strictSame(Object.keys(reply.json()).sort(), ['createdAt', 'name', 'warnings'])
    t.strictSame(reply.json().warnings, [])
    t.equal(reply.headers['location'], `${ACCOUNT}/buckets/photos`)
    t.equal(calls(), 1)
  })

  t.test('201 with the actual name when HOSTKEY adds a prefix, also when its answer is lost', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    for (const requested of ['music', 'lost']) {
      if (requested === 'lost') control.fault({ kind: 'reset-after', action: 'create_bucket' })
      control.clearCalls()
      const reply = await create(requested)
      t.equal(reply.statusCode, 201, reply.text)
      const { name, warnings } = reply.json()
      t.match(name, new RegExp(`^b[0-9a-f]{8}-${requested}$`))
      t.strictSame(warnings, [])
      t.equal(reply.headers['location'], `${ACCOUNT}/buckets/${name}`)
      t.equal(calls(), 1)
    }
  })

  t.test(
    '201 with the requested name and the warning bucket-name-unconfirmed when no list shows the bucket',
    async t => {
      control.setBehaviours({ listLag: 100 })
      const reply = await create('unseen')
      t.equal(reply.statusCode, 201)
      t.match(reply.json(), { name: 'unseen', warnings: [{ code: 'bucket-name-unconfirmed' }] })
    }
  )

  t.test('404 account-not-found when the account is another customer’s; no bucket is created', async t => {
    fails(t, await create('mine', '/accounts/s3_user_2'), 404, 'account-not-found', { outcome: 'not-applied' })
    t.equal(calls(), 0)
  })

  t.test('409 bucket-exists when the customer, or another one, has a bucket of that name', async t => {
    for (const name of ['logs', 'other-bucket']) {
      fails(t, await create(name), 409, 'bucket-exists', { outcome: 'not-applied', retryable: false })
    }
  })

  t.test('422 invalid-bucket-name when HOSTKEY refuses the name', async t => {
    fails(t, await create('xn--reserved'), 422, 'invalid-bucket-name', { outcome: 'not-applied' })
  })

  t.test('502 upstream-storage-error, outcome unknown, when the storage reports 500 in a success', async t => {
    control.setBehaviours({ hiddenFailure: 500 })
    fails(t, await create('disguised'), 502, 'upstream-storage-error', { outcome: 'unknown' })
  })

  t.test(
    '502 upstream-bad-response, not applied, when the buckets cannot be listed first; nothing is created',
    async t => {
      control.fault({ kind: 'html-200', action: 'get_buckets' })
      fails(t, await create('never'), 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: true })
      t.notOk(asked().includes('create_bucket'))
    }
  )

  t.test('504 upstream-timeout, outcome unknown, when the answer is lost and no list shows the bucket', async t => {
    control.setBehaviours({ listLag: 100 })
    control.fault({ kind: 'reset-after', action: 'create_bucket' })
    fails(t, await create('unseen'), 504, 'upstream-timeout', { outcome: 'unknown', retryable: false })
    t.equal(calls(), 1)
  })
})

t.test('DELETE /accounts/:s3uid/buckets/:bucket', async t => {
  const { del, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const stored = () => control.state().buckets.map(({ name }) => name)
  t.beforeEach(() => control.reset())

  t.test('204 deletes the bucket', async t => {
    succeeds(t, await del(`${ACCOUNT}/buckets/empty-bucket`), 204, '')
    t.notOk(stored().includes('empty-bucket'))
    t.strictSame(asked(), ['delete_bucket'])
  })

  t.test('404 when the bucket or the account is missing, or belongs to another customer', async t => {
    for (const [path, problem] of [
      [`${ACCOUNT}/buckets/no-such-bucket`, 'bucket-not-found'],
      [`${ACCOUNT}/buckets/other-bucket`, 'bucket-not-found'],
      ['/accounts/s3_user_2/buckets/other-bucket', 'account-not-found']
    ] as const) {
      fails(t, await del(path), 404, problem, { outcome: 'not-applied' })
    }
    t.ok(stored().includes('other-bucket'))
  })

  t.test('409 bucket-not-empty when the bucket has files', async t => {
    const reply = await del(`${ACCOUNT}/buckets/logs`)
    fails(t, reply, 409, 'bucket-not-empty', { outcome: 'not-applied', retryable: false })
    t.ok(stored().includes('logs'))
  })

  t.test('502 upstream-storage-error, outcome unknown, when the storage fails', async t => {
    control.fault({ kind: 'refusal', text: 'Delete S3 bucket error: InternalError' })
    const reply = await del(`${ACCOUNT}/buckets/empty-bucket`)
    fails(t, reply, 502, 'upstream-storage-error', { outcome: 'unknown', retryable: false })
  })
})
