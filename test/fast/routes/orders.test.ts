import { randomUUID } from 'node:crypto'
import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { gateway } from '../../support/harness/gateway.ts'

const prices = { monthlyEur: 4.9, monthlyUsd: 5.4, monthlyRub: 490 }

/** A new bucket name for each order: the ledger keeps it for a day. */
const newOrder = () => ({ planId: 2, bucketName: `b-${randomUUID()}` })

t.test('POST /orders', async t => {
  const running = await gateway(t)
  const { get, post } = running
  const { control } = running.sandbox
  t.beforeEach(() => control.reset())
  /** Without the lookup of the customer. */
  const asked = () => running.asked().filter(action => action !== 'info')
  const order = (body: object, key: string = randomUUID()) =>
    post('/orders', body, { headers: { 'idempotency-key': key } })
  const check = (body: object) => post('/orders/checks', body)
  const orders = () => control.counters()['create_order'] ?? 0

  t.test('200 checks the order and sends nothing; a warning when its bucket name was ordered', async t => {
    const body = newOrder()
    const checked = await check(body)
    t.hasStrict(checked.json(), { plan: { id: 2 }, price: prices, location: 'NL', locations: ['NL'], warnings: [] })
    t.equal(checked.statusCode, 200)
    t.strictSame(asked(), ['list_plans'])
    await order(body)
    t.match((await check(body)).json().warnings, [{ code: 'bucket-name-ordered' }])
    t.equal(orders(), 1)
  })

  t.test('201 orders the account, with its address in Location', async t => {
    const body = newOrder()
    const reply = await order({ ...body, expectedPrice: prices })
    const { bucketName } = body
    const { orderId, createdAt, ...rest } = reply.json()
    t.ok(Date.parse(createdAt) <= Date.now())
    t.strictSame(rest, {
      state: 'succeeded',
      planId: 2,
      bucketName,
      location: 'NL',
      s3uid: 's3_user_100',
      bucket: bucketName,
      warnings: [],
      links: { self: `/orders/${orderId}`, account: '/accounts/s3_user_100' }
    })
    t.equal(reply.statusCode, 201)
    t.strictSame((await get(`/orders/${orderId}`)).json(), reply.json())
    t.equal(reply.headers['location'], '/accounts/s3_user_100')
    const sent = control.calls().find(({ action }) => action === 'create_order')?.fields
    t.hasStrict(sent, { plan_id: '2', bucket_name: bucketName, location: 'NL' })
    t.equal(orders(), 1)
  })

  t.test('201 with the actual name of the bucket when HOSTKEY adds a prefix', async t => {
    control.setBehaviours({ bucketPrefix: 'on' })
    const body = newOrder()
    t.match((await order(body)).json().bucket, new RegExp(`^b[0-9a-f]{8}-${body.bucketName}$`))
  })

  t.test('201 with a warning when HOSTKEY created the account without its bucket', async t => {
    const reply = await order({ planId: 2, bucketName: 'other-bucket' })
    t.equal(reply.statusCode, 201, reply.text)
    t.match(reply.json(), { bucket: null, warnings: [{ code: 'account-created-with-error' }] })
    t.equal(orders(), 1)
  })

  t.test('201 with its own account for each of two concurrent orders when one answer is lost', async t => {
    control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
    const bodies = [newOrder(), newOrder()]
    const replies = await Promise.all(bodies.map(body => order(body)))
    t.strictSame(
      replies.map(reply => reply.json().bucket),
      bodies.map(({ bucketName }) => bucketName)
    )
    t.equal(orders(), 2)
  })

  t.test(
    '202 with the order in state unknown when the answer is lost and no account exists; it is sent once',
    async t => {
      control.fault({ kind: 'html-502', action: 'create_order' })
      const body = newOrder()
      const reply = await order(body)
      t.equal(reply.statusCode, 202, reply.text)
      const { orderId, createdAt, problem, ...rest } = reply.json()
      t.equal(reply.headers['location'], `/orders/${orderId}`)
      t.strictSame(rest, {
        state: 'unknown',
        ...body,
        location: 'NL',
        warnings: [],
        links: { self: `/orders/${orderId}` }
      })
      t.hasStrict(problem, { name: 'upstream-bad-response', status: 502 })
      t.ok(Date.parse(createdAt) <= Date.now())
      t.equal(orders(), 1)
    }
  )

  t.test('400 idempotency-key-required when the header is missing; HOSTKEY is not called', async t => {
    fails(t, await post('/orders', newOrder()), 400, 'idempotency-key-required', {
      outcome: 'not-applied',
      errors: [{ in: 'header', parameter: 'idempotency-key', code: 'missing', detail: 'is missing' }]
    })
    t.strictSame(asked(), [])
  })

  t.test('400 when the idempotency key is too short, too long, empty or has blanks; HOSTKEY is not called', async t => {
    for (const key of ['short', 'with space in the middle', 'x'.repeat(300), '']) {
      const reply = await order(newOrder(), key)
      t.equal(reply.statusCode, 400, key)
      t.hasStrict(reply.json(), { outcome: 'not-applied' })
    }
    t.strictSame(asked(), [])
  })

  t.test('402 payment-required, not applied, when the credit is too low and no account exists', async t => {
    control.setCredit('demo', 100)
    fails(t, await order(newOrder()), 402, 'payment-required', {
      outcome: 'not-applied',
      retryable: false,
      upstream: { action: 'create_order', message: 'issue service paid' }
    })
    t.equal(orders(), 1)
  })

  t.test('409 price-changed when a price differs from the expected one; nothing is ordered', async t => {
    for (const expectedPrice of [{ monthlyEur: 4.8 }, { ...prices, monthlyRub: 0 }]) {
      fails(t, await order({ ...newOrder(), expectedPrice }), 409, 'price-changed', { outcome: 'not-applied' })
    }
    t.strictSame(asked(), ['list_plans', 'list_plans'])
  })

  t.test('422 plan-not-orderable when the plan is free, withdrawn or missing; nothing is ordered', async t => {
    for (const [planId, send] of [
      [1, order],
      [3, order],
      [77, order],
      [1, check]
    ] as const) {
      control.clearCalls()
      const reply = await send({ ...newOrder(), planId })
      fails(t, reply, 422, 'plan-not-orderable', { outcome: 'not-applied' })
      t.strictSame(asked(), ['list_plans'])
    }
  })

  t.test('422 location-not-offered when the plan is not offered there, or a location must be named', async t => {
    for (const [change, locations] of [
      [{ location: 'DE' }, 'NL'],
      [{ planId: 4 }, 'NL, DE']
    ] as const) {
      fails(t, await order({ ...newOrder(), ...change }), 422, 'location-not-offered', {
        errors: [{ in: 'body', pointer: '/location', code: 'not-listed', detail: `must be one of ${locations}` }]
      })
    }
    t.equal(orders(), 0)
  })
})
