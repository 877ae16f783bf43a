import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { createClient, isProblem, OrderUndecided } from '../../../client/src/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { failureOf } from './failure.ts'

/** A new name for each order: the ledger survives a reset of the sandbox. */
const orderOf = () => ({ planId: 2, bucketName: `b-${randomUUID()}` })

/** What happens to each request of the client. */
type Delivery = 'delivered' | 'request lost' | 'reply lost'

const shop = async (t: Test, env: Record<string, string> = {}) => {
  const { url, sandbox, ...rest } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1000', ...env })
  const { control, demo } = sandbox
  control.setCredit('demo', 1_000_000)
  control.clearCalls()
  /** A client on an unreliable network, and the keys that it sent. */
  const clientOn = (...deliveries: Delivery[]) => {
    const keys: (string | null)[] = []
    const unreliableFetch = async (request: Request): Promise<Response> => {
      const delivery = request.method === 'POST' ? deliveries[keys.length] : 'delivered'
      if (request.method === 'POST') keys.push(request.headers.get('idempotency-key'))
      if (delivery === 'request lost') throw new TypeError('the request is lost')
      const reply = await fetch(request)
      if (delivery !== 'reply lost') return reply
      await reply.arrayBuffer()
      throw new TypeError('the reply is lost')
    }
    const token = () => (keys.length > 0 ? tokens.pop() : undefined) ?? demo.token
    return { ...createClient({ baseUrl: url, token, fetch: unreliableFetch }), keys }
  }
  /** Tokens that replace the valid one, from the second request on. */
  const tokens: string[] = []
  return { tokens, ...rest, url, control, clientOn, sent: () => control.counters()['create_order'] ?? 0 }
}

t.test('an order', async t => {
  const { clientOn, control, sent } = await shop(t)
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  t.test('returns the account', async t => {
    const { order, keys } = clientOn()
    const newOrder = orderOf()
    const account = await order(newOrder)
    t.match(account, { s3uid: String, planId: 2 })
    t.match(keys, [/^[0-9a-f]{32}$/])
    t.equal(sent(), 1)
    await order(orderOf())
    t.equal(new Set(keys).size, 2, 'a new order has a new key')
  })

  t.test('is sent to HOSTKEY once when the network loses requests and replies', async t => {
    const { order, keys } = clientOn('request lost', 'reply lost', 'reply lost')
    const account = await order(orderOf())
    t.match(account, { s3uid: String })
    t.equal(keys.length, 4)
    t.equal(new Set(keys).size, 1, 'one key')
    t.equal(sent(), 1)
  })

  t.test('repeats the same body when the caller changes the object', async t => {
    const { order } = clientOn('reply lost')
    const newOrder = orderOf()
    const running = order(newOrder)
    newOrder.bucketName = 'another-name'
    t.match(await running, { s3uid: String })
    t.equal(sent(), 1)
  })

  t.test('waits for another request with its key', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 500 })
    const { order, keys } = clientOn()
    const [newOrder, idempotencyKey] = [orderOf(), randomUUID()]
    const accounts = await Promise.all([order(newOrder, { idempotencyKey }), order(newOrder, { idempotencyKey })])
    t.equal(accounts[0].s3uid, accounts[1].s3uid)
    t.ok(keys.length > 2)
    t.equal(sent(), 1)
  })

  t.test('is undecided while another request with its key runs', async t => {
    control.fault({ kind: 'latency', action: 'create_order', ms: 500 })
    const { order } = clientOn()
    const [newOrder, idempotencyKey] = [orderOf(), randomUUID()]
    const running = order(newOrder, { idempotencyKey })
    while (sent() === 0) await new Promise(resolve => setTimeout(resolve, 5))
    t.ok((await failureOf(order(newOrder, { idempotencyKey, deadlineMs: 300 }))) instanceof OrderUndecided)
    t.match(await running, { s3uid: String })
  })

  t.test('throws the refusal of HOSTKEY without a further attempt', async t => {
    control.setCredit('demo', 0)
    const { order, keys } = clientOn()
    const error = await failureOf(order(orderOf()))
    control.setCredit('demo', 1_000_000)
    if (!isProblem(error, 'payment-required')) throw error
    t.equal(error.status, 402)
    t.ok(keys.length <= 2)
  })

  t.test('throws a refusal of the gateway without a further attempt', async t => {
    const { order, keys } = clientOn()
    const error = await failureOf(order({ ...orderOf(), expectedPrice: { monthlyEur: 1 } }))
    if (!isProblem(error, 'price-changed')) throw error
    t.equal(error.outcome, 'not-applied')
    t.equal(keys.length, 1)
    t.equal(sent(), 0)
  })
})

t.test('an order when the answer of HOSTKEY is lost', async t => {
  const { tokens, clientOn, control, sent } = await shop(t, { ORDER_LATE_EXECUTION_WINDOW_MS: '1500' })
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  t.test('is repeated until the account appears', async t => {
    control.fault({ kind: 'late-execution', action: 'create_order', ms: 1200, count: 1 })
    const { order, keys } = clientOn()
    t.match(await order(orderOf()), { s3uid: String })
    t.ok(keys.length > 1)
    t.equal(new Set(keys).size, 1)
    t.equal(sent(), 1)
  })

  t.test('is repeated until the gateway records a failure', async t => {
    control.fault({ kind: 'hang', action: 'create_order', count: 1 })
    const { order, keys } = clientOn()
    const error = await failureOf(order(orderOf()))
    if (!isProblem(error, 'upstream-bad-response')) throw error
    t.equal(error.outcome, 'not-applied')
    t.equal(error.retryable, false)
    t.equal(new Set(keys).size, 1)
    t.equal(sent(), 1)
  })

  t.test('is undecided at its deadline, and the next call continues with its key', async t => {
    control.fault({ kind: 'late-execution', action: 'create_order', ms: 1200, count: 1 })
    const { order, keys } = clientOn()
    const newOrder = orderOf()
    const error = await failureOf(order(newOrder, { deadlineMs: 1100 }))
    if (!(error instanceof OrderUndecided)) throw error
    t.equal(error.idempotencyKey, keys[0])
    t.match(await order(newOrder, { idempotencyKey: error.idempotencyKey }), { s3uid: String })
    t.equal(new Set(keys).size, 1)
    t.equal(sent(), 1)
  })

  t.test('is undecided when the caller aborts', async t => {
    const stopped = AbortSignal.timeout(300)
    control.fault({ kind: 'hang', action: 'create_order', count: 1 })
    t.ok((await failureOf(clientOn().order(orderOf(), { signal: stopped }))) instanceof OrderUndecided)
  })

  t.test('is undecided when the token expires between attempts: a 401 does not report the outcome', async t => {
    const { order, keys } = clientOn('reply lost')
    tokens.push('none-any-more')
    const error = await failureOf(order(orderOf()))
    if (!(error instanceof OrderUndecided)) throw error
    t.ok(isProblem(error.cause, 'invalid-token'), String(error.cause))
    t.equal(error.idempotencyKey, keys[0])
  })

  t.test('is not sent when its signal is aborted already', async t => {
    const reason = new Error('the page was left')
    const { order, keys } = clientOn()
    t.equal(await failureOf(order(orderOf(), { signal: AbortSignal.abort(reason) })), reason)
    t.same(keys, [])
  })
})

t.test('an order that the rate limit refuses', async t => {
  const { clientOn, sent } = await shop(t, { RATE_LIMIT_MAX: '10', RATE_LIMIT_WINDOW_MS: '60000' })
  const { order } = clientOn()
  const errors: unknown[] = []
  for (let turn = 0; turn < 12 && errors.length === 0; turn++) {
    const begunAt = performance.now()
    const error = await failureOf(order(orderOf(), { deadlineMs: 10_000 }))
    t.ok(performance.now() - begunAt < 5000, 'without waiting for a pause past the deadline')
    if (error !== undefined) errors.push(error)
  }
  t.ok(isProblem(errors[0], 'rate-limited'), 'is a refusal, not an unknown outcome')
  t.ok(sent() < 12)
})
