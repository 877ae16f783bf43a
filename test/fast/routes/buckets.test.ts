import { request } from 'node:http'
import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

const createdAt = '2023-10-01T12:00:00Z'
const snapshot = { storageBytes: 1_024_000_000, bandwidth: 102_400, createdAt: '2023-10-27T10:00:00Z' }
const items = ['holiday-pictures', 'empty-bucket', 'logs'].map(name => ({ name, createdAt }))
const ACCOUNT = '/accounts/s3_user_1'

t.test('GET /accounts/:s3uid/buckets', async t => {
  const { get, asked, sandbox, lines } = await gateway(t)
  const { control } = sandbox
  t.beforeEach(() => control.reset())

  t.test('200 lists the buckets, each member in our words and no other', async t => {
    succeeds(t, await get(`${ACCOUNT}/buckets`), 200, { items, bandwidth: 102_400, snapshot })
    t.strictSame(asked(), ['get_buckets'])
  })

  t.test('200 with the storage of each bucket when expand=usage is asked for', async t => {
    const sizes = new Map(control.state().buckets.map(({ name, sizeBytes }) => [name, sizeBytes]))
    const reply = await get(`${ACCOUNT}/buckets?expand=usage`)
    succeeds(t, reply, 200, {
      items: items.map(item => ({ ...item, storageBytes: sizes.get(item.name) })),
      bandwidth: 102_400,
      snapshot
    })
    t.strictSame(asked(), ['get_buckets', 'get_buckets_rmq'])
  })

  t.test('200 without the key pair when HOSTKEY prints it beside the buckets', async t => {
    control.setBehaviours({ getBuckets: 'withKeys' })
    succeeds(t, await get(`${ACCOUNT}/buckets`), 200, { items, bandwidth: 102_400, snapshot })
  })

  t.test('200 from get_buckets_rmq when HOSTKEY has no get_buckets, and the log says so', async t => {
    control.setBehaviours({ getBuckets: 'absent' })
    lines.length = 0
    succeeds(t, await get(`${ACCOUNT}/buckets`), 200, {
      items: items.map(({ name }) => ({ name })),
      bandwidth: 102_400,
      snapshot
    })
    t.strictSame(asked(), ['get_buckets', 'get_buckets_rmq'])
    t.ok(lines.some(line => line.includes('"action":"get_buckets"') && line.includes('"level":"warn"')))
  })

  t.test('200 with storage when HOSTKEY has no get_buckets and expand=usage is asked for', async t => {
    control.setBehaviours({ getBuckets: 'absent' })
    const reply = await get(`${ACCOUNT}/buckets?expand=usage`)
    t.equal(
      reply.json().items.every(({ storageBytes }: { storageBytes?: number }) => storageBytes !== undefined),
      true
    )
    t.strictSame(asked(), ['get_buckets', 'get_buckets_rmq'], 'the slower question is asked once')
  })

  t.test('200 without what HOSTKEY leaves out: no buckets, no dates', async t => {
    control.fault({ kind: 'zero-dates' })
    const reply = await get(`${ACCOUNT}/buckets`)
    t.strictSame(
      reply.json().items,
      items.map(({ name }) => ({ name }))
    )
  })

  t.test('404 account-not-found when it is another customer’s', async t => {
    fails(t, await get('/accounts/s3_user_2/buckets'), 404, 'account-not-found', { retryable: false })
  })

  t.test('404 account-not-found when there is none', async t => {
    fails(t, await get('/accounts/s3_user_999/buckets'), 404, 'account-not-found')
  })

  t.test('502 upstream-storage-error when the storage fails: a read may be repeated', async t => {
    control.fault({ kind: 'refusal', text: 's3/get_buckets: Load bucket error: InternalError', action: 'get_buckets' })
    const reply = await get(`${ACCOUNT}/buckets`)
    fails(t, reply, 502, 'upstream-storage-error', { retryable: true })
    t.notOk('outcome' in reply.json())
  })
})

t.test('POST /accounts/:s3uid/buckets', async t => {
  const { post, asked, sandbox, url } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1500' })
  const { control } = sandbox
  const create = (name: string, account = ACCOUNT) => post(`${account}/buckets`, { name })
  const calls = () => control.counters()['create_bucket'] ?? 0
  t.beforeEach(() => control.reset())

  t.test('201 creates the bucket and says where it is', async t => {
    const reply = await create('photos')
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json(), { name: 'photos', createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ })
    t.strictSame(Object.keys(reply.json()).sort(), ['createdAt', 'name', 'warnings'])
    t.strictSame(reply.json().warnings, [])
    t.equal(reply.headers['location'], `${ACCOUNT}/buckets/photos`)
    t.equal(calls(), 1)
  })

  t.test('201 under the actual name when HOSTKEY puts a prefix before it', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    const reply = await create('music')
    const { name, warnings } = reply.json()
    t.match(name, /^b[0-9a-f]{8}-music$/)
    t.strictSame(warnings, [])
    t.equal(reply.headers['location'], `${ACCOUNT}/buckets/${name}`)
  })

  t.test('201 when the list shows the bucket late', async t => {
    control.setBehaviours({ listLag: 2 })
    t.hasStrict((await create('late')).json(), { name: 'late', warnings: [] })
    t.equal(calls(), 1)
  })

  t.test('201 under the wished name with the warning bucket-name-unconfirmed when the list never shows it', async t => {
    control.setBehaviours({ listLag: 100 })
    const reply = await create('unseen')
    t.equal(reply.statusCode, 201)
    t.match(reply.json(), { name: 'unseen', warnings: [{ code: 'bucket-name-unconfirmed' }] })
  })

  t.test('201 with that warning when the list cannot be read any more', async t => {
    control.fault({ kind: 'html-200', action: 'get_buckets', after: 1 })
    const reply = await create('blind')
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json(), { name: 'blind', warnings: [{ code: 'bucket-name-unconfirmed' }] })
  })

  t.test('the bucket is looked for although the caller has hung up, and not when HOSTKEY has refused', async t => {
    const lists = () => control.counters()['get_buckets'] ?? 0
    control.fault({ kind: 'latency', action: 'create_bucket', ms: 200 })
    const headers = { authorization: `Bearer ${sandbox.demo.token}`, 'content-type': 'application/json' }
    const call = request(`${url}${ACCOUNT}/buckets`, { method: 'POST', headers })
    call.on('error', () => undefined)
    call.end('{"name":"left"}')
    t.ok(await eventually(() => calls() === 1))
    call.destroy()
    t.ok(await eventually(() => lists() === 2))
    control.reset()
    fails(t, await create('logs'), 409, 'bucket-exists')
    t.equal(lists(), 1)
  })

  t.test('201 when HOSTKEY prints the empty map as a list', async t => {
    control.setBehaviours({ createBucketHeaders: 'list' })
    t.equal((await create('listed')).statusCode, 201)
  })

  t.test('409 bucket-exists when the name is taken', async t => {
    fails(t, await create('logs'), 409, 'bucket-exists', { outcome: 'not-applied', retryable: false })
  })

  t.test('409 bucket-exists when it is taken by another customer', async t => {
    fails(t, await create('other-bucket'), 409, 'bucket-exists', { outcome: 'not-applied' })
  })

  t.test('422 invalid-bucket-name when HOSTKEY refuses the name', async t => {
    fails(t, await create('two..dots'), 422, 'invalid-bucket-name', { outcome: 'not-applied' })
  })

  t.test('409 limit-reached when the account may have no more', async t => {
    control.fault({ kind: 'refusal', text: 'Create bucket error: TooManyBuckets', action: 'create_bucket' })
    fails(t, await create('one-more'), 409, 'limit-reached', { outcome: 'not-applied' })
  })

  t.test('404 account-not-found when it is another customer’s, and no bucket is made', async t => {
    fails(t, await create('mine', '/accounts/s3_user_2'), 404, 'account-not-found', { outcome: 'not-applied' })
    t.equal(calls(), 0)
  })

  for (const [status, problem, ours, outcome] of [
    [400, 'invalid-bucket-name', 422, 'not-applied'],
    [403, 'forbidden', 403, 'not-applied'],
    [404, 'account-not-found', 404, 'not-applied'],
    [409, 'bucket-exists', 409, 'not-applied'],
    [500, 'upstream-storage-error', 502, 'unknown'],
    [503, 'upstream-storage-error', 502, 'unknown']
  ] as const) {
    t.test(`${ours} ${problem} when the storage says ${status} under result OK`, async t => {
      control.setBehaviours({ hiddenFailure: status })
      fails(t, await create('disguised'), ours, problem, { outcome })
    })
  }

  for (const kind of ['reset-after', 'html-502-after', 'hang-after'] as const) {
    t.test(`201 when the answer is lost (${kind}) and the list shows the bucket: sent once`, async t => {
      control.fault({ kind, action: 'create_bucket' })
      const reply = await create('lost')
      t.equal(reply.statusCode, 201, reply.text)
      t.hasStrict(reply.json(), { name: 'lost', warnings: [] })
      t.equal(reply.headers['location'], `${ACCOUNT}/buckets/lost`)
      t.equal(calls(), 1)
    })

    t.test(
      `outcome unknown when the answer is lost (${kind}) and no list tells: sent once, not repeatable`,
      async t => {
        const { post } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1500' }, { sandbox })
        control.setBehaviours({ listLag: 100 })
        control.fault({ kind, action: 'create_bucket' })
        const reply = await post(`${ACCOUNT}/buckets`, { name: 'unseen' })
        t.ok([502, 504].includes(reply.statusCode), reply.text)
        t.hasStrict(reply.json(), { outcome: 'unknown', retryable: false })
        t.equal(calls(), 1)
      }
    )
  }

  t.test('201 under the actual name when the answer is lost and HOSTKEY puts a prefix before it', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    control.fault({ kind: 'truncated', action: 'create_bucket' })
    const reply = await create('lost')
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json().name, /^b[0-9a-f]{8}-lost$/)
    t.equal(calls(), 1)
  })

  t.test('outcome unknown when the answer is lost and the name was there before', async t => {
    control.fault({ kind: 'html-502-after', action: 'create_bucket' })
    fails(t, await create('logs'), 502, 'upstream-bad-response', { outcome: 'unknown', retryable: false })
    t.equal(calls(), 1)
  })

  t.test('502 upstream-bad-response, not applied, when the list before cannot be read: nothing is made', async t => {
    control.fault({ kind: 'html-200', action: 'get_buckets' })
    fails(t, await create('never'), 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: true })
    t.notOk(asked().includes('create_bucket'))
  })
})

t.test('DELETE /accounts/:s3uid/buckets/:bucket', async t => {
  const { del, asked, sandbox } = await gateway(t)
  const { control } = sandbox
  const stored = () => control.state().buckets.map(({ name }) => name)
  t.beforeEach(() => control.clearFaults())

  t.test('409 bucket-not-empty when there are files in it', async t => {
    fails(t, await del(`${ACCOUNT}/buckets/logs`), 409, 'bucket-not-empty', {
      outcome: 'not-applied',
      retryable: false
    })
    t.ok(stored().includes('logs'))
  })

  t.test('404 bucket-not-found when there is none', async t => {
    fails(t, await del(`${ACCOUNT}/buckets/no-such-bucket`), 404, 'bucket-not-found', { outcome: 'not-applied' })
  })

  t.test('404 bucket-not-found when it is another account’s', async t => {
    fails(t, await del(`${ACCOUNT}/buckets/other-bucket`), 404, 'bucket-not-found')
    t.ok(stored().includes('other-bucket'))
  })

  t.test('404 account-not-found when the account is another customer’s', async t => {
    fails(t, await del('/accounts/s3_user_2/buckets/other-bucket'), 404, 'account-not-found')
    t.ok(stored().includes('other-bucket'))
  })

  t.test('502 upstream-storage-error, outcome unknown, when the storage fails', async t => {
    control.fault({ kind: 'refusal', text: 'Delete S3 bucket error: InternalError' })
    const reply = await del(`${ACCOUNT}/buckets/empty-bucket`)
    fails(t, reply, 502, 'upstream-storage-error', { outcome: 'unknown', retryable: false })
  })

  t.test('204 deletes the bucket', async t => {
    control.clearCalls()
    succeeds(t, await del(`${ACCOUNT}/buckets/empty-bucket`), 204, '')
    t.notOk(stored().includes('empty-bucket'))
    t.strictSame(asked(), ['delete_bucket'])
  })
})
