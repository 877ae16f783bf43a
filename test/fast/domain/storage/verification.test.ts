import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { verifying } from '../../../../src/core/context.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'
const LIST = 'get_buckets'

const VERIFY_MS = 5000

/** Time passes so much faster for the gateway, but not for the pauses between two reads and for the sandbox. */
const SPEED = 10

const speedUp = (t: Test) => {
  const { setTimeout } = globalThis
  const now = performance.now.bind(performance)
  const start = now()
  t.intercept(performance, 'now', { value: () => start + (now() - start) * SPEED })
  t.intercept(globalThis, 'setTimeout', {
    value: (work: () => void, ms = 0, ...rest: unknown[]) => setTimeout(work, ms / SPEED, ...(rest as []))
  })
}

/** Pause before a second read of a list: longer than any deadline here. */
const SECOND_READ_MS = 20_000

t.test('the verification of a write', async t => {
  speedUp(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control } = sandbox
  const { del, post } = await gateway(t, {}, { sandbox, verifyDelaysMs: [0, SECOND_READ_MS] })
  const remove = () => del(`${BUCKETS}/empty-bucket`)
  const create = () => post(BUCKETS, { name: 'photos' })
  const order = () =>
    post('/orders', { planId: 2, bucketName: `b-${randomUUID()}` }, { headers: { 'idempotency-key': randomUUID() } })
  const lists = () => control.counters()[LIST] ?? 0
  t.beforeEach(() => control.reset())

  /** Asserts that the request waits for the deadline of the verification, and not for a second read. */
  const untilDeadline = async (t: Test, send: () => Promise<Reply>): Promise<Reply> => {
    const startedAt = performance.now()
    const reply = await send()
    const ms = performance.now() - startedAt
    t.ok(ms >= VERIFY_MS && ms < SECOND_READ_MS * SPEED, `${ms} ms`)
    return reply
  }

  t.test('has a deadline of 5 s', async t => {
    const startedAt = performance.now()
    const { deadlineAt = 0 } = verifying(contextOf())
    t.ok(deadlineAt >= startedAt + VERIFY_MS && deadlineAt <= performance.now() + VERIFY_MS)
  })

  t.test('of a deletion ends after 5 s: 502 upstream-bad-response, outcome unknown', async t => {
    control.fault({ kind: 'truncated', action: 'delete_bucket' })
    control.fault({ kind: 'hang', action: LIST })
    fails(t, await untilDeadline(t, remove), 502, 'upstream-bad-response', { outcome: 'unknown' })
    t.equal(lists(), 1)
  })

  t.test('of a creation ends after 5 s: 502, outcome unknown, then 409 bucket-exists when repeated', async t => {
    control.fault({ kind: 'truncated', action: 'create_bucket', count: 1 })
    // The list before the creation is answered.
    control.fault({ kind: 'hang', action: LIST, after: 1, count: 1 })
    fails(t, await untilDeadline(t, create), 502, 'upstream-bad-response', { outcome: 'unknown' })
    t.equal(lists(), 2)
    control.fault({ kind: 'hang', action: LIST, after: 1 })
    fails(t, await untilDeadline(t, create), 409, 'bucket-exists')
    t.equal(lists(), 4)
  })

  t.test('of an order ends after 5 s: 202 in state unknown', async t => {
    control.fault({ kind: 'truncated', action: 'create_order' })
    // The list of accounts before the order is answered.
    control.fault({ kind: 'hang', action: 'get_users', after: 1 })
    const { statusCode, json, text } = await untilDeadline(t, order)
    t.hasStrict([statusCode, json()], [202, { state: 'unknown' }], text)
    t.equal(control.counters()['get_users'], 2)
  })

  t.test('of the bucket of an order ends after 5 s: 201 without its name', async t => {
    control.fault({ kind: 'hang', action: LIST })
    const { statusCode, json, text } = await untilDeadline(t, order)
    t.hasStrict([statusCode, json()], [201, { bucket: null }], text)
    t.equal(lists(), 1)
  })

  t.test('has 5 s of its own when the write took longer: 204 and 201', async t => {
    const ms = VERIFY_MS / SPEED + 100
    for (const action of ['delete_bucket', 'create_bucket']) {
      control.fault({ kind: 'latency', action, ms })
      control.fault({ kind: 'truncated', action })
    }
    const [deleted, created] = await Promise.all([remove(), create()])
    t.equal(deleted.statusCode, 204, deleted.text)
    t.equal(created.statusCode, 201, created.text)
    t.equal(lists(), 3)
  })
})

t.test('a write is verified although its caller has disconnected', async t => {
  const { url, lines, sandbox } = await gateway(t)
  const { control } = sandbox
  const headers = {
    authorization: `Bearer ${sandbox.demo.token}`,
    'content-type': 'application/json',
    'idempotency-key': randomUUID()
  }

  for (const [method, path, body, action, status] of [
    ['DELETE', `${BUCKETS}/empty-bucket`, '', 'delete_bucket', 204],
    ['POST', BUCKETS, '{"name":"photos"}', 'create_bucket', 201],
    ['POST', '/orders', '{"planId":2,"bucketName":"ordered"}', 'create_order', 201]
  ] as const) {
    t.test(`${status} in the log after ${action}`, async t => {
      control.fault({ kind: 'latency', action, ms: 200 })
      control.fault({ kind: 'truncated', action })
      lines.length = 0
      const call = request(`${url}${path}`, { method, headers })
      call.on('error', () => undefined)
      call.end(body)
      t.ok(await eventually(() => control.counters()[action] === 1))
      call.destroy()
      t.ok(await eventually(() => lines.some(line => line.includes('"clientAborted":true'))))
      t.match(lines.at(-1), new RegExp(`"status":${status}`))
    })
  }
})
