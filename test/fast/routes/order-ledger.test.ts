import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway, type Reply } from '../../support/harness/gateway.ts'

/** A new bucket name for each order: the ledger keeps it for a day. */
const newOrder = () => ({ planId: 2, bucketName: `b-${randomUUID()}` })

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
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })
  return {
    ...g,
    control,
    order: (body: object, key: string = randomUUID(), token = g.sandbox.demo.token) =>
      g.post('/orders', body, { token, headers: { 'idempotency-key': key } }),
    create: (body: object, key: string) => g.post('/accounts', body, { headers: { 'idempotency-key': key } }),
    sent: (action = 'create_order') => control.counters()[action] ?? 0
  }
}

t.test('an order and its Idempotency-Key', async t => {
  const { order, create, sent, control, get, del } = await shop(t)

  t.test('201, and 409 idempotency-in-progress for the same request while it runs; one order is sent', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 200 })
    const [body, key] = [newOrder(), randomUUID()]
    const [first, second] = await Promise.all([order(body, key), order(body, key)])
    t.strictSame([first.statusCode, second.statusCode].sort(), [201, 409])
    const refused = first.statusCode === 409 ? first : second
    fails(t, refused, 409, 'idempotency-in-progress', { retryable: true })
    t.match(refused.headers['retry-after'], /^([1-9]|10)$/, 'what is left of the lease')
    t.equal(sent(), 1)
  })

  t.test('201 with the same body when the request is repeated, with the key in quotes or without', async t => {
    const [body, key] = [newOrder(), randomUUID()]
    const first = await order(body, key)
    isReplayed(t, await order(body, key), first)
    isReplayed(t, await order({ bucketName: body.bucketName, planId: 2 }, `"${key}"`), first)
    t.equal(sent(), 1)
  })

  t.test('201 when the connection breaks after HOSTKEY has created the account, and again when repeated', async t => {
    control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
    const [body, key] = [newOrder(), randomUUID()]
    const first = await order(body, key)
    t.equal(first.statusCode, 201, first.text)
    isReplayed(t, await order(body, key), first)
    t.equal(sent(), 1)
  })

  t.test('422 idempotency-key-reused when the body differs, if only in the expected price', async t => {
    const key = randomUUID()
    const body = { ...newOrder(), expectedPrice: { monthlyEur: 4.9, monthlyRub: 490 } }
    const first = await order(body, key)
    isReplayed(t, await order({ ...body, expectedPrice: { monthlyRub: 490, monthlyEur: 4.9 } }, key), first)
    for (const change of [{ location: 'NL' }, newOrder(), { expectedPrice: { monthlyEur: 1 } }]) {
      fails(t, await order({ ...body, ...change }, key), 422, 'idempotency-key-reused', { outcome: 'not-applied' })
    }
    t.equal(sent(), 1)
  })

  t.test(
    '409 probable-duplicate-order, with a link to the order, when another key orders the same bucket name',
    async t => {
      const body = newOrder()
      await order(body)
      const reply = await order(body)
      fails(t, reply, 409, 'probable-duplicate-order', { outcome: 'not-applied', retryable: false })
      t.hasStrict((await get(reply.json().links.order)).json(), { state: 'succeeded', ...body, location: 'NL' })
      t.equal(sent(), 1)
    }
  )

  t.test('200 GET /orders/:orderId is pending while the order is sent, then succeeded', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
    const body = newOrder()
    const running = order(body)
    t.ok(await eventually(() => sent() === 1))
    const link = (await order(body)).json().links.order
    t.hasStrict((await get(link)).json(), { state: 'pending', ...body })
    const { s3uid } = (await running).json()
    t.hasStrict((await get(link)).json(), { state: 'succeeded', s3uid })
  })

  t.test('402 payment-required again for the same key; another key may order', async t => {
    control.setBehaviours({ createOrder: 'unpaid' })
    const [body, key] = [newOrder(), randomUUID()]
    const first = await order(body, key)
    fails(t, first, 402, 'payment-required', { outcome: 'not-applied' })
    t.equal(control.state().unpaidOrders.length, 1)
    control.setBehaviours({ createOrder: 'normal' })
    isReplayed(t, await order(body, key), first)
    t.equal(sent(), 1)
    t.equal((await order(body)).statusCode, 201)
  })

  t.test('503 upstream-throttled is not recorded: the same key may order afterwards', async t => {
    control.fault({ kind: 'throttled', action: 'create_order', count: 1 })
    const [body, key] = [newOrder(), randomUUID()]
    fails(t, await order(body, key), 503, 'upstream-throttled', { outcome: 'not-applied' })
    t.equal((await order(body, key)).statusCode, 201)
    t.equal(sent(), 2)
  })

  t.test('202 while the outcome is unknown; neither the same key nor another one sends again', async t => {
    control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
    const [body, key] = [newOrder(), randomUUID()]
    const first = await order(body, key)
    t.equal(first.statusCode, 202, first.text)
    const { location = '' } = first.headers
    t.hasStrict((await get(location)).json(), { state: 'unknown', problem: { name: 'upstream-timeout' } })
    t.equal((await order(body, key)).statusCode, 202)
    fails(t, await order(body), 409, 'probable-duplicate-order', { links: { order: location } })
    t.equal(sent(), 1)
  })

  t.test('201 for POST /accounts once for each key; a deleted account frees its bucket name', async t => {
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
    t.equal((await create(body, randomUUID())).statusCode, 201)
  })

  // Last: it ends the token of the other tests.
  t.test('200 GET /orders/:orderId after a new login, 404 order-not-found for another customer', async t => {
    const [body, key] = [newOrder(), randomUUID()]
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

t.test('502 upstream-bad-response, not applied, after the late-execution window; a new key may order', async t => {
  const { order, sent, control, get } = await shop(t, { ORDER_LATE_EXECUTION_WINDOW_MS: '300' })
  control.fault({ kind: 'reset-before', action: 'create_order', count: 1 })
  const [body, key] = [newOrder(), randomUUID()]
  const first = await order(body, key)
  t.equal(first.statusCode, 202, first.text)
  let last = first
  t.ok(
    await eventually(async () => {
      last = await order(body, key)
      return last.statusCode !== 202
    })
  )
  // The outcome is recorded: the key is not retryable, and replays it.
  fails(t, last, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: false })
  t.match(last.json().detail, /with a new key/)
  const replayed = await order(body, key)
  fails(t, replayed, 502, 'upstream-bad-response', { outcome: 'not-applied', retryable: false })
  t.equal(replayed.headers['idempotency-replayed'], 'true')
  t.hasStrict((await get(first.headers['location'] ?? '')).json(), { state: 'failed' })
  t.equal(sent(), 1)
  t.equal((await order(body)).statusCode, 201)
  t.equal(sent(), 2)
})
