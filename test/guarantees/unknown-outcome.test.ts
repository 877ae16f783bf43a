import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { type Gateway, gateway, type Reply } from '../support/harness/gateway.ts'

/** HOSTKEY executes the order this long after the connection broke: later than the verification ends. */
const LATE_MS = Number(process.env['LATE_MS'] ?? amount(1000, 5000))
/** Orders in parallel: the maximum number of provisioning calls. */
const GROUPS = amount(1, 5)
const AT_ONCE = 4
const ORDERS = GROUPS * AT_ONCE

const POLL_MS = 250

const figures = figuresOf(t, 'unknown-outcome')

interface Placed {
  key: string
  bucketName: string
  first: Reply
}

/** A customer that repeats an order with the same key. */
const shop = async (t: Test, env: Record<string, string>) => {
  const g = await gateway(t, { UPSTREAM_TIMEOUT_MS: '2000', ...env })
  const { control } = g.sandbox
  control.setCredit('demo', 1_000_000)
  const ask = (key: string, bucketName: string) =>
    g.post('/orders', { planId: 2, bucketName }, { headers: { 'idempotency-key': key } })

  /** 503: nothing was sent, because the circuit is open. */
  const place = async (): Promise<Placed> => {
    const [key, bucketName] = [randomUUID(), `b-${randomUUID()}`]
    let first = await ask(key, bucketName)
    while (first.statusCode === 503) {
      await pause(POLL_MS)
      // Reads close the circuit of the writes.
      await g.get('/accounts')
      first = await ask(key, bucketName)
    }
    return { key, bucketName, first }
  }
  return {
    ...g,
    control,
    ask,
    placeAll: async () => {
      const placed: Placed[] = []
      for (let group = 0; group < GROUPS; group += 1) {
        placed.push(...(await Promise.all(Array.from({ length: AT_ONCE }, place))))
      }
      return placed
    },
    sent: () => control.counters()['create_order'] ?? 0,
    made: (bucketName: string) => control.state().buckets.filter(({ name }) => name.endsWith(bucketName)).length
  }
}

/** The state that an order has in the ledger. */
const stateOf = async ({ get }: Pick<Gateway, 'get'>, { first }: Placed): Promise<string> =>
  (await get(first.headers['location'] ?? '')).json().state

t.test(`HOSTKEY executes ${ORDERS} orders ${LATE_MS} ms after it closed the connection`, async t => {
  const g = await shop(t, {})
  const { ask, control, placeAll, sent, made } = g
  control.fault({ kind: 'late-execution', action: 'create_order', ms: LATE_MS })
  const startedAt = performance.now()
  const placed = await placeAll()

  t.test('202 and unknown for each, and each was sent once', async t => {
    t.strictSame([...new Set(placed.map(({ first }) => first.statusCode))], [202])
    const placedMs = performance.now() - startedAt
    const states = await Promise.all(placed.slice(-AT_ONCE).map(order => stateOf(g, order)))
    t.strictSame([...new Set(states)], ['unknown'], `after ${placedMs.toFixed(0)} ms`)
    t.equal(sent(), ORDERS)
  })

  t.test('201 for each in the end, by asking again under the same key, and none was sent again', async t => {
    let asked = 0
    const replies = new Map<string, Reply>()
    const giveUpAt = performance.now() + LATE_MS + 20_000
    while (replies.size < ORDERS && performance.now() < giveUpAt) {
      for (const { key, bucketName } of placed) {
        if (replies.has(key)) continue
        const reply = await ask(key, bucketName)
        asked += 1
        if (reply.statusCode === 201) replies.set(key, reply)
        else if (reply.statusCode !== 202) t.fail(`${reply.statusCode} ${reply.text}`)
      }
      await pause(POLL_MS)
    }
    const uids = [...replies.values()].map(reply => reply.json().s3uid)
    t.equal(new Set(uids).size, ORDERS, 'each has an account of its own')
    t.equal(sent(), ORDERS)
    t.ok(
      placed.every(({ bucketName }) => made(bucketName) === 1),
      'each was executed once'
    )
    const states = await Promise.all(placed.map(order => stateOf(g, order)))
    t.strictSame([...new Set(states)], ['succeeded'])
    figures(`${sent() - ORDERS} of ${ORDERS} orders sent again in ${asked} repetitions`)
    figures(
      `${states.filter(state => state === 'succeeded').length} of ${ORDERS} succeeded, executed ${LATE_MS} ms late`
    )
  })
})

/** Shorter than HOSTKEY takes: the assumption of the late-execution window does not hold. */
const SHORT_WINDOW_MS = 300

t.test('HOSTKEY executes after the late-execution window', async t => {
  const g = await shop(t, { ORDER_LATE_EXECUTION_WINDOW_MS: String(SHORT_WINDOW_MS) })
  const { ask, control, placeAll, sent } = g
  const lateMs = Math.min(LATE_MS, 3000)
  control.fault({ kind: 'late-execution', action: 'create_order', ms: lateMs })
  const placed = await placeAll()
  await pause(SHORT_WINDOW_MS)
  const statuses = new Set<number>()
  const endsAt = performance.now() + lateMs + 500
  while (performance.now() < endsAt) {
    for (const { key, bucketName } of placed) statuses.add((await ask(key, bucketName)).statusCode)
    await pause(POLL_MS)
  }

  t.test('the order is not sent again under the same key', async t => {
    t.ok(
      [...statuses].every(status => [201, 202, 502].includes(status)),
      `${[...statuses]}`
    )
    t.equal(sent(), ORDERS)
    const states = await Promise.all(placed.map(order => stateOf(g, order)))
    t.ok(
      states.every(state => ['succeeded', 'failed', 'unknown'].includes(state)),
      `${states}`
    )
    figures(`${sent() - ORDERS} of ${ORDERS} sent again when HOSTKEY acts after the late-execution window`)
  })
})

t.test('HOSTKEY never executes an order whose connection broke', async t => {
  const g = await shop(t, {})
  const { ask, control, placeAll, sent } = g
  control.fault({ kind: 'reset-before', action: 'create_order' })
  const placed = await placeAll()
  for (const { key, bucketName } of placed) t.equal((await ask(key, bucketName)).statusCode, 202)
  const states = await Promise.all(placed.map(order => stateOf(g, order)))
  t.strictSame([...new Set(states)], ['unknown'])
  t.equal(sent(), ORDERS)
  figures(`${sent() - ORDERS} of ${ORDERS} sent again when HOSTKEY never acts; all unknown`)
})
