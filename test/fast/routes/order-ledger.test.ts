import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { type Gateway, gateway, type Reply } from '../../support/harness/gateway.ts'

/** Another name for each test: the ledger outlives them all. */
const orderOf = () => ({ planId: 2, bucketName: `b-${randomUUID()}` })

const isReplayed = (t: Test, reply: Reply, first: Reply) => {
  t.equal(reply.statusCode, first.statusCode)
  t.equal(reply.headers['idempotency-replayed'], 'true')
  t.equal(first.headers['idempotency-replayed'], undefined)
  const { instance: _, ...body } = reply.json()
  const { instance: __, ...before } = first.json()
  t.strictSame(body, before)
}

const shop = async (t: Test, env: Record<string, string> = {}) => {
  const g = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1000', ...env })
  const { control } = g.sandbox
  control.setCredit('demo', 1_000_000)
  return {
    ...g,
    control,
    order: (body: object, key: string = randomUUID(), token = g.sandbox.demo.token) =>
      g.post('/orders', body, { token, headers: { 'idempotency-key': key } }),
    create: (body: object, key: string) => g.post('/accounts', body, { headers: { 'idempotency-key': key } }),
    sent: (action = 'create_order') => control.counters()[action] ?? 0
  }
}

t.test('an order and its key', async t => {
  const { order, sent, control, get } = await shop(t)
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  t.test('one order is sent when the same request comes twice at once: 201 and 409 or a replay', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 200 })
    const [body, key] = [orderOf(), randomUUID()]
    const [first, second] = await Promise.all([order(body, key), order(body, key)])
    t.strictSame([first.statusCode, second.statusCode].sort(), [201, 409])
    const refused = first.statusCode === 409 ? first : second
    fails(t, refused, 409, 'idempotency-in-progress', { retryable: true })
    t.match(refused.headers['retry-after'], /^[1-9]\d*$/)
    t.equal(sent(), 1)
  })

  t.test('201 again, word for word, when the same request is repeated; quoted keys are the same key', async t => {
    const [body, key] = [orderOf(), randomUUID()]
    const first = await order(body, key)
    isReplayed(t, await order(body, key), first)
    isReplayed(t, await order({ bucketName: body.bucketName, planId: 2 }, `"${key}"`), first)
    t.equal(sent(), 1)
  })

  t.test('422 idempotency-key-reused when the body is another one', async t => {
    const [body, key] = [orderOf(), randomUUID()]
    await order(body, key)
    fails(t, await order({ ...body, location: 'NL' }, key), 422, 'idempotency-key-reused', { outcome: 'not-applied' })
    fails(t, await order(orderOf(), key), 422, 'idempotency-key-reused')
    t.equal(sent(), 1)
  })

  t.test('422 idempotency-key-reused when only the price that is expected is another one', async t => {
    const key = randomUUID()
    const body = { ...orderOf(), expectedPrice: { monthlyEur: 4.9, monthlyRub: 490 } }
    const first = await order(body, key)
    isReplayed(t, await order({ ...body, expectedPrice: { monthlyRub: 490, monthlyEur: 4.9 } }, key), first)
    fails(t, await order({ ...body, expectedPrice: { monthlyEur: 1 } }, key), 422, 'idempotency-key-reused')
    t.equal(sent(), 1)
  })

  t.test('409 probable-duplicate-order names the order when another key wants the same bucket name', async t => {
    const body = orderOf()
    await order(body)
    const reply = await order(body)
    fails(t, reply, 409, 'probable-duplicate-order', { outcome: 'not-applied', retryable: false })
    const found = await get(reply.json().links.order)
    t.hasStrict(found.json(), { state: 'succeeded', ...body, location: 'NL' })
    t.equal(sent(), 1)
  })

  t.test('200 shows an order pending while it is sent, and then succeeded', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
    const body = orderOf()
    const running = order(body)
    t.ok(await eventually(() => sent() === 1))
    const link = (await order(body)).json().links.order
    t.hasStrict((await get(link)).json(), { state: 'pending', ...body })
    const { s3uid } = (await running).json()
    t.hasStrict((await get(link)).json(), { state: 'succeeded', s3uid })
  })

  t.test('201 finds the account when the connection breaks after HOSTKEY has made it', async t => {
    control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
    const [body, key] = [orderOf(), randomUUID()]
    const first = await order(body, key)
    t.equal(first.statusCode, 201, first.text)
    isReplayed(t, await order(body, key), first)
    t.equal(sent(), 1)
  })

  t.test('402 payment-required is recorded: the same key gets it again, another key may order', async t => {
    control.setBehaviours({ createOrder: 'unpaid' })
    const [body, key] = [orderOf(), randomUUID()]
    const first = await order(body, key)
    fails(t, first, 402, 'payment-required', { outcome: 'unknown' })
    control.setBehaviours({ createOrder: 'normal' })
    isReplayed(t, await order(body, key), first)
    t.equal(sent(), 1)
    t.equal((await order(body)).statusCode, 201)
  })

  t.test('a refusal that may pass is not recorded: the same key orders when HOSTKEY is well again', async t => {
    control.fault({ kind: 'throttled', action: 'create_order', count: 1 })
    const [body, key] = [orderOf(), randomUUID()]
    fails(t, await order(body, key), 503, 'upstream-throttled', { outcome: 'not-applied' })
    t.equal((await order(body, key)).statusCode, 201)
    t.equal(sent(), 2)
  })

  t.test('the order is found after logging in again, and not by another customer', async t => {
    const [body, key] = [orderOf(), randomUUID()]
    const first = await order(body, key)
    const link = (await order(body)).json().links.order
    control.expireSessions()
    const token = control.tokenOf('demo')
    isReplayed(t, await order(body, key, token), first)
    t.equal((await get(link, { token })).json().state, 'succeeded')
    fails(t, await get(link, { token: control.tokenOf('other') }), 404, 'order-not-found')
    fails(t, await get(`/orders/${randomUUID()}`, { token }), 404, 'order-not-found')
    t.equal(sent(), 1)
  })
})

t.test('202 while nobody can tell, and nothing is sent again', async t => {
  const { order, sent, control, get } = await shop(t)
  control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
  const [body, key] = [orderOf(), randomUUID()]
  const first = await order(body, key)
  t.equal(first.statusCode, 202, first.text)
  const { location = '' } = first.headers
  t.hasStrict((await get(location)).json(), { state: 'unknown', problem: { name: 'upstream-timeout' } })
  t.equal((await order(body, key)).statusCode, 202)
  fails(t, await order(body), 409, 'probable-duplicate-order', { links: { order: location } })
  t.equal(sent(), 1)
})

t.test('201 in the end when HOSTKEY acts after the connection is broken', async t => {
  const { order, sent, control } = await shop(t)
  control.fault({ kind: 'late-execution', action: 'create_order', count: 1, ms: 500 })
  const [body, key] = [orderOf(), randomUUID()]
  t.equal((await order(body, key)).statusCode, 202)
  t.ok(await eventually(async () => (await order(body, key)).statusCode === 201))
  t.equal(sent(), 1)
})

t.test('502 not-applied after the settle window, recorded; a new key orders', async t => {
  const { order, sent, control, get } = await shop(t, { ORDER_LATE_EXECUTION_WINDOW_MS: '600' })
  control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
  const [body, key] = [orderOf(), randomUUID()]
  const first = await order(body, key)
  t.equal(first.statusCode, 202, first.text)
  let judged = first
  t.ok(
    await eventually(async () => {
      judged = await order(body, key)
      return judged.statusCode !== 202
    })
  )
  // This key never gets another answer.
  fails(t, judged, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: false })
  t.match(judged.json().detail, /with a new key/)
  const last = await order(body, key)
  fails(t, last, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: false })
  t.equal(last.headers['idempotency-replayed'], 'true')
  t.hasStrict((await get(first.headers['location'] ?? '')).json(), { state: 'failed' })
  t.equal(sent(), 1)
  t.equal((await order(body)).statusCode, 201)
  t.equal(sent(), 2)
})

t.test('POST /accounts with a key', async t => {
  const { create, sent, control, del } = await shop(t)
  const [body, key] = [{ planId: 1, bucketName: 'photos' }, randomUUID()]
  control.fault({ kind: 'latency', action: 'create_account', ms: 200 })
  const [one, two] = await Promise.all([create(body, key), create(body, key)])
  t.strictSame([one.statusCode, two.statusCode].sort(), [201, 409])
  const first = one.statusCode === 201 ? one : two
  isReplayed(t, await create(body, key), first)
  fails(t, await create({ ...body, location: 'DE' }, key), 422, 'idempotency-key-reused')
  fails(t, await create(body, randomUUID()), 409, 'probable-duplicate-order')
  t.equal(sent('create_account'), 1)

  const { s3uid } = first.json()
  succeeds(t, await del(`/accounts/${s3uid}`, { headers: { 'confirm-delete': s3uid } }), 204, '')
  t.equal((await create(body, randomUUID())).statusCode, 201, 'its name is free when it is deleted')
})

t.test('links stand under the mount point', async t => {
  const { order, control } = await shop(t, { BASE_PATH: '/storage' })
  control.fault({ kind: 'hang', action: 'create_order', count: 1 })
  const body = orderOf()
  const { headers } = await order(body)
  t.match(headers['location'], /^\/storage\/orders\/[0-9a-f-]{36}$/)
  t.equal((await order(body)).json().links.order, headers['location'])
})

t.test('a repeated DELETE', async t => {
  const g = await gateway(t)
  const { del, post, sandbox } = g
  sandbox.control.putFile('logs', 'a.txt')
  const bucket = '/accounts/s3_user_1/buckets/photos'
  await post('/accounts/s3_user_1/buckets', { name: 'photos' })
  const account = { headers: { 'confirm-delete': 's3_user_1' } }
  const stranger = { token: sandbox.control.tokenOf('other') }
  const isOnce = async (t: Test, target: string, options: Parameters<Gateway['del']>[1] = {}) => {
    t.equal((await del(target, options)).statusCode, 204)
    t.equal((await del(target, options)).statusCode, 204, 'and again')
    t.equal((await del(target, { ...options, ...stranger })).statusCode, 404, 'not for another caller')
  }

  t.test('204 for a bucket, until it is made again through us', async t => {
    await isOnce(t, bucket)
    await post('/accounts/s3_user_1/buckets', { name: 'photos' })
    sandbox.control.fault({ kind: 'refusal', text: 'NoSuchBucket', action: 'delete_bucket', count: 1 })
    fails(t, await del(bucket), 404, 'bucket-not-found')
  })
  t.test('204 for a file', t => isOnce(t, '/accounts/s3_user_1/buckets/logs/files?path=a.txt'))
  t.test('204 for an account', t => isOnce(t, '/accounts/s3_user_1', account))
  t.test('404 for what this caller has not deleted', async t => {
    fails(
      t,
      await del('/accounts/s3_user_77', { headers: { 'confirm-delete': 's3_user_77' } }),
      404,
      'account-not-found'
    )
  })
})
