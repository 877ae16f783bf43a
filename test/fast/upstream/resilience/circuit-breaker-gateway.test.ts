import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'

/** Asks until the circuit is closed. */
const untilClosed = (ask: () => Promise<{ statusCode: number }>) =>
  eventually(async () => (await ask()).statusCode !== 503)

/** The first open time with its longest jitter. */
const LONGEST_OPEN_MS = 1200

const openMetric = async ({ managementUrl }: Gateway, name: string) =>
  new RegExp(`gateway_circuit_breaker_open\\{class="${name}"\\} (\\d)`).exec(
    await (await fetch(`${managementUrl}/metrics`)).text()
  )?.[1]

t.test('503 upstream-unavailable while HOSTKEY fails, without a call; 200 when it works again', async t => {
  const g = await gateway(t)
  const { get, lines, sandbox } = g
  const { control } = sandbox
  control.fault({ kind: 'empty-500', action: 'get_users' })
  for (let n = 0; n < 5; n += 1) fails(t, await get('/accounts'), 502, 'upstream-bad-response')
  control.clearCalls()
  const reply = await get('/accounts')
  fails(t, reply, 503, 'upstream-unavailable', { retryable: true })
  t.match(reply.headers['retry-after'], /^[12]$/)
  t.notOk('outcome' in reply.json())
  fails(t, await get('/plans'), 503, 'upstream-unavailable')
  t.strictSame(control.counters(), {})
  t.equal((await get('/accounts/s3_user_1/usage')).statusCode, 200, 'another class')
  t.ok(lines.some(line => line.includes('"class":"read"') && line.includes('"level":"warn"')))
  t.equal(await openMetric(g, 'read'), '1')
  control.clearFaults()
  t.ok(await untilClosed(() => get('/accounts')))
  t.equal((await get('/accounts')).statusCode, 200)
  t.ok(lines.some(line => line.includes('"class":"read"') && line.includes('"level":"info"')))
  t.equal(await openMetric(g, 'read'), '0')
})

t.test('refusals never open a circuit', async t => {
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  for (const kind of ['refusal', 'auth-failure', 'bare-error', 'throttled'] as const) {
    control.fault({ kind, action: 'get_users', count: 5 })
    for (let n = 0; n < 5; n += 1) t.ok((await get('/accounts')).statusCode >= 400)
  }
  t.equal(control.counters()['get_users'], 20)
  t.equal((await get('/accounts')).statusCode, 200)
})

t.test('after a probe whose caller disconnects the next call is the probe', async t => {
  const g = await gateway(t)
  const { get, sandbox } = g
  const { control } = sandbox
  control.fault({ kind: 'empty-500', action: 'get_users', count: 5 })
  for (let n = 0; n < 5; n += 1) fails(t, await get('/accounts'), 502, 'upstream-bad-response')
  control.fault({ kind: 'hang', action: 'get_users', count: 1 })
  control.clearCalls()
  await pause(LONGEST_OPEN_MS)
  const probe = request(`${g.url}/accounts`, { headers: { authorization: `Bearer ${sandbox.demo.token}` } })
  probe.on('error', () => undefined)
  probe.end()
  t.ok(await eventually(() => control.counters()['get_users'] === 1))
  fails(t, await get('/plans'), 503, 'upstream-unavailable')
  probe.destroy()
  t.ok(await eventually(() => g.lines.some(line => line.includes('"clientAborted":true'))))
  t.equal(await openMetric(g, 'read'), '1', 'still open')
  t.equal((await get('/accounts')).statusCode, 200, 'the next call is sent')
  t.equal(await openMetric(g, 'read'), '0')
})

t.test('writes', async t => {
  const g = await gateway(t)
  const { del, sandbox } = g
  const { control } = sandbox
  const remove = () => del('/accounts/s3_user_1/buckets/empty-bucket')
  control.fault({ kind: 'empty-500', action: 'delete_bucket' })
  for (let n = 0; n < 5; n += 1) fails(t, await remove(), 502, 'upstream-bad-response', { outcome: 'not-applied' })
  control.clearCalls()

  t.test('503 upstream-unavailable, not applied, without a write; one read is sent', async t => {
    control.fault({ kind: 'latency', action: 'list_plans', ms: 200 })
    const reply = await remove()
    fails(t, reply, 503, 'upstream-unavailable', { outcome: 'not-applied', retryable: true })
    t.match(reply.headers['retry-after'], /^[1-9]\d*$/)
    t.ok(await eventually(() => control.counters()['list_plans'] === 1))
    t.strictSame(control.counters(), { list_plans: 1 })
    t.equal(await openMetric(g, 'write'), '1')
  })

  t.test('204 once these reads are answered', async t => {
    control.clearFaults()
    t.ok(
      await untilClosed(async () => {
        await pause(50)
        return remove()
      })
    )
    t.equal(control.counters()['delete_bucket'], 1)
    t.equal(await openMetric(g, 'write'), '0')
  })
})
