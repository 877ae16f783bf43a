import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startSandbox } from '../../src/sandbox/index.ts'
import { orderOnce } from '../guarantees/orders/once.ts'
import { eventually } from '../support/harness/eventually.ts'
import { machineClock } from '../support/harness/faketime.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { redisServer } from '../support/harness/redis.ts'

const figure = figuresOf(t, 'clock-jumps')

const HOUR_S = 3600
/** How long HOSTKEY takes for the order in flight. */
const SLOW_MS = 2000
/** Longer than SLOW_MS and than the deadline of a call. */
const LEASE_MS = 4000
/** Longer than the gateway searches for an account before it replies. */
const LATE_EXECUTION_WINDOW_MS = 5000

/** Two replicas on one Redis with different system clocks; the clocks of Redis and HOSTKEY are correct. */
const hourApart = async (t: Test, secondsOfB: number) => {
  const redis = await redisServer(t, { settings: ['--appendonly', 'yes'] })
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  control.setCredit('demo', 1_000_000)
  const replica = async (seconds: number) =>
    gatewayProcess(t, {
      UPSTREAM_URL: sandbox.url,
      REDIS_URL: redis.url,
      SESSION_SECRET: 'x'.repeat(40),
      RATE_LIMIT_MAX: '1000000',
      UPSTREAM_TIMEOUT_MS: '3000',
      ORDER_LEASE_MS: String(LEASE_MS),
      ORDER_LATE_EXECUTION_WINDOW_MS: String(LATE_EXECUTION_WINDOW_MS),
      ...(await machineClock(t, seconds)).env
    })
  const [a, b] = await Promise.all([replica(0), replica(secondsOfB)])
  const order = async (url: string, bucketName: string) => {
    const { statusCode, text } = await orderOnce(url, demo.token, bucketName)
    return {
      status: statusCode,
      problem: String(JSON.parse(text).type ?? '')
        .split('/')
        .at(-1)
    }
  }
  return { control, a, b, order, calls: () => control.counters()['create_order'] ?? 0 }
}

const RUNNING = { status: 409, problem: 'idempotency-in-progress' }
const CREATED = { status: 201, problem: '' }
const UNKNOWN = { status: 202, problem: '' }

for (const [name, seconds] of [
  ['ahead of', HOUR_S],
  ['behind', -HOUR_S]
] as const) {
  t.test(`a replica whose clock is an hour ${name} that of the other`, async t => {
    const { control, a, b, order, calls } = await hourApart(t, seconds)

    t.test('409 idempotency-in-progress while the other sends the order, then the same 201', async t => {
      control.fault({ kind: 'latency', action: 'create_order', ms: SLOW_MS, count: 1 })
      const first = order(a.url, 'running')
      t.ok(await eventually(() => calls() === 1))
      for (let tries = 0; tries < 5; tries += 1) t.strictSame(await order(b.url, 'running'), RUNNING)
      t.strictSame(await first, CREATED)
      t.strictSame(await order(b.url, 'running'), CREATED)
      t.equal(calls(), 1)
    })

    t.test(
      '202 until the end of the late-execution window for an order whose answer the other replica lost',
      async t => {
        control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
        const sent = calls()
        const lostAt = performance.now()
        t.strictSame(await order(a.url, 'lost'), UNKNOWN)
        t.ok(performance.now() - lostAt < LATE_EXECUTION_WINDOW_MS, 'in time')
        t.strictSame(await order(b.url, 'lost'), UNKNOWN)
        await pause(LATE_EXECUTION_WINDOW_MS)
        t.strictSame(await order(b.url, 'lost'), { status: 502, problem: 'upstream-bad-response' })
        t.equal(calls(), sent + 1)
      }
    )

    t.test('409 until the lease of a killed replica has expired, then the other one takes the order over', async t => {
      control.fault({ kind: 'latency', action: 'create_order', ms: 300, count: 1 })
      const sent = calls()
      const lost = t.rejects(order(a.url, 'orphan'))
      t.ok(await eventually(() => calls() === sent + 1))
      const sentAt = performance.now()
      a.child.kill('SIGKILL')
      await lost
      let last = await order(b.url, 'orphan')
      t.strictSame(last, RUNNING)
      let running = 0
      while (last.status === 409 && performance.now() - sentAt < 3 * LEASE_MS) {
        running += 1
        await pause(50)
        last = await order(b.url, 'orphan')
      }
      const ms = performance.now() - sentAt
      t.strictSame(last, CREATED)
      // The lease began before the sandbox received the call.
      t.ok(ms > LEASE_MS - 500 && ms < LEASE_MS + 2000, `taken over after ${ms.toFixed(0)} ms`)
      t.equal(calls(), sent + 1)
      figure(
        `clock an hour ${name} the other replica’s: ${running} × 409, taken over after ${ms.toFixed(0)} ms of ${LEASE_MS}`
      )
    })
  })
}
