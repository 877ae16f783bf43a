import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'

/** Waits until something is so, 5 s at most. */
const until = async (isSo: () => boolean) => {
  const end = performance.now() + 5000
  while (!isSo() && performance.now() < end) await setImmediate()
}

const prices = { monthlyEur: 4.9, monthlyUsd: 5.4, monthlyRub: 490 }

t.test('POST /orders', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  let running: Gateway
  // Another gateway for each test: one that has seen too many failures sends nothing for a while.
  t.beforeEach(async t => {
    control.reset()
    running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1500' }, { sandbox })
  })
  const wanted = { planId: 2, bucketName: 'photos' }
  const post: Gateway['post'] = (...request) => running.post(...request)
  // Beside who the customer is.
  const asked = () => running.asked().filter(action => action !== 'info')
  const order = (body: object, { query = '', key = randomUUID() }: { query?: string; key?: string } = {}) =>
    post(`/orders${query}`, body, { headers: { 'idempotency-key': key } })
  const orders = () => control.counters()['create_order'] ?? 0

  t.test('201 orders the account, and says where it is', async t => {
    const reply = await order(wanted)
    succeeds(t, reply, 201, {
      s3uid: 's3_user_100',
      planId: 2,
      location: 'NL',
      bucket: wanted.bucketName,
      warnings: []
    })
    t.equal(reply.headers['location'], '/accounts/s3_user_100')
    const sent = control.calls().find(({ action }) => action === 'create_order')?.fields
    t.hasStrict(sent, { plan_id: '2', bucket_name: wanted.bucketName, location: 'NL' })
    t.equal(orders(), 1)
  })

  t.test('201 with the actual name of the bucket when HOSTKEY puts a prefix before it', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    t.match((await order(wanted)).json().bucket, /^b[0-9a-f]{8}-photos$/)
  })

  t.test('201 when the price is the one that is expected', async t => {
    t.equal((await order({ ...wanted, expectedPrice: prices })).statusCode, 201)
  })

  t.test('201 with a warning when the account was made and its bucket was not', async t => {
    const reply = await order({ planId: 2, bucketName: 'other-bucket' })
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json(), { bucket: null, warnings: [{ code: 'account-created-with-error' }] })
    t.equal(orders(), 1)
  })

  for (const kind of [
    'html-502-after',
    'reset-after',
    'hang-after',
    'truncated',
    'reset-mid-body',
    'stall-mid-body'
  ] as const) {
    t.test(`201 when the answer is lost (${kind}) and one new account is there: sent once`, async t => {
      control.fault({ kind, action: 'create_order' })
      const reply = await order(wanted)
      t.equal(reply.statusCode, 201, reply.text)
      t.hasStrict(reply.json(), { s3uid: 's3_user_100', bucket: wanted.bucketName })
      t.equal(orders(), 1)
    })
  }

  for (const [kind, status, name] of [
    ['html-502', 502, 'upstream-bad-response'],
    ['empty-500', 502, 'upstream-bad-response'],
    ['hang', 504, 'upstream-timeout'],
    ['bare-error', 502, 'upstream-refused']
  ] as const) {
    t.test(`202 with the order, state unknown, when HOSTKEY answers by ${kind}: sent once`, async t => {
      control.fault({ kind, action: 'create_order' })
      const reply = await order(wanted)
      t.equal(reply.statusCode, 202, reply.text)
      const { orderId, createdAt, problem, ...rest } = reply.json()
      t.equal(reply.headers['location'], `/orders/${orderId}`)
      t.strictSame(rest, { state: 'unknown', ...wanted, location: 'NL' })
      t.hasStrict(problem, { name, status })
      t.ok(Date.parse(createdAt) <= Date.now())
      t.equal(orders(), 1)
    })
  }

  t.test('202 when an account of another plan owns a bucket of that name', async t => {
    control.fault({ kind: 'html-502', action: 'create_order' })
    const reply = await order({ planId: 4, bucketName: 'logs', location: 'DE' })
    t.equal(reply.statusCode, 202, reply.text)
    t.notOk('s3uid' in reply.json())
  })

  t.test('202 when the one new account is another order’s: it is not taken for this one’s', async t => {
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    control.fault({ kind: 'latency', action: 'create_order', ms: 100, count: 1 })
    const lost = order(wanted)
    await until(() => orders() === 1)
    t.equal((await order({ planId: 2, bucketName: 'music' })).statusCode, 201)
    t.hasStrict((await lost).json(), { state: 'unknown', bucketName: wanted.bucketName })
  })

  t.test('201 for both when the answer of one of two orders at once is lost', async t => {
    control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
    const replies = await Promise.all([order(wanted), order({ planId: 2, bucketName: 'films' })])
    t.strictSame(
      replies.map(reply => reply.json().bucket),
      [wanted.bucketName, 'films']
    )
    t.equal(orders(), 2)
  })

  t.test('402 payment-required, outcome unknown, when the credit does not suffice and no account is there', async t => {
    control.setCredit('demo', 100)
    fails(t, await order(wanted), 402, 'payment-required', {
      outcome: 'unknown',
      retryable: false,
      upstream: { action: 'create_order', message: 'issue service paid' }
    })
    t.equal(orders(), 1)
  })

  t.test('402 payment-required when an unpaid order stays behind', async t => {
    control.setBehaviours({ createOrder: 'unpaid' })
    fails(t, await order(wanted), 402, 'payment-required', { outcome: 'unknown' })
    t.equal(control.state().unpaidOrders.length, 1)
  })

  t.test('409 price-changed when the price is another one, and nothing is ordered', async t => {
    for (const expectedPrice of [{ monthlyEur: 4.8 }, { ...prices, monthlyRub: 0 }]) {
      fails(t, await order({ ...wanted, expectedPrice }), 409, 'price-changed', { outcome: 'not-applied' })
    }
    t.equal(orders(), 0)
    t.strictSame(new Set(asked()), new Set(['list_plans']))
  })

  t.test('200 checks everything and orders nothing when validateOnly is set', async t => {
    succeeds(t, await order(wanted, { query: '?validateOnly=true' }), 200, {
      ...wanted,
      location: 'NL',
      price: prices
    })
    t.strictSame(asked(), ['list_plans'])
  })

  t.test('422 plan-not-orderable when validateOnly is set and the order would fail', async t => {
    const reply = await order({ planId: 1, bucketName: 'photos' }, { query: '?validateOnly=true' })
    fails(t, reply, 422, 'plan-not-orderable', { outcome: 'not-applied' })
  })

  for (const [planId, why] of [
    [1, 'is free'],
    [3, 'is withdrawn'],
    [77, 'does not exist']
  ] as const) {
    t.test(`422 plan-not-orderable when the plan ${why}, and nothing is ordered`, async t => {
      fails(t, await order({ planId, bucketName: 'photos' }), 422, 'plan-not-orderable', { outcome: 'not-applied' })
      t.strictSame(asked(), ['list_plans'])
    })
  }

  t.test('422 plan-not-orderable when the plan is withdrawn and an admin sees it all the same', async t => {
    const headers = { 'idempotency-key': randomUUID() }
    const reply = await post('/orders', { ...wanted, planId: 3 }, { headers, token: control.tokenOf('admin') })
    fails(t, reply, 422, 'plan-not-orderable', { detail: 'Plan 3 is not on offer.' })
    t.equal(orders(), 0)
  })

  t.test('422 location-not-offered when the plan has several locations and none is named', async t => {
    fails(t, await order({ planId: 4, bucketName: 'photos' }), 422, 'location-not-offered', {
      errors: [{ in: 'body', pointer: '/location', detail: 'must be one of NL, DE' }]
    })
    t.equal(orders(), 0)
  })

  t.test('422 location-not-offered when the plan is not offered there', async t => {
    fails(t, await order({ ...wanted, location: 'DE' }), 422, 'location-not-offered', {
      errors: [{ in: 'body', pointer: '/location', detail: 'must be one of NL' }]
    })
    t.equal(orders(), 0)
  })

  t.test('400 idempotency-key-required when the header is missing, and nothing is asked', async t => {
    fails(t, await post('/orders', wanted), 400, 'idempotency-key-required', {
      outcome: 'not-applied',
      errors: [{ in: 'header', parameter: 'idempotency-key', detail: 'is missing' }]
    })
    t.strictSame(asked(), [])
  })

  for (const key of ['short', 'with space in the middle', 'x'.repeat(300), '']) {
    t.test(`400 when the idempotency key is "${key.slice(0, 24)}", and nothing is asked`, async t => {
      const reply = await order(wanted, { key })
      t.equal(reply.statusCode, 400)
      t.hasStrict(reply.json(), { outcome: 'not-applied' })
      t.strictSame(asked(), [])
    })
  }
})
