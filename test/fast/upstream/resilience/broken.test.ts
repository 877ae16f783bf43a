import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../../support/harness/gateway.ts'
import { withServices } from '../../../support/harness/services.ts'

/** A call that its caller gives up as soon as it is told to. */
const begun = ({ url }: Pick<Gateway, 'url'>, method: string, path: string, token: string) => {
  const call = request(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } })
  call.on('error', () => undefined)
  call.end()
  return { hangUp: () => call.destroy() }
}

/** Asks until something other than a refusal of ours comes. */
const untilWell = (ask: () => Promise<{ statusCode: number }>) =>
  eventually(async () => (await ask()).statusCode !== 503)

/** The first rest at its longest, with its jitter. */
const LONGEST_REST_MS = 1200

const restOf = async ({ managementUrl }: Gateway, name: string) =>
  new RegExp(`gateway_upstream_resting\\{class="${name}"\\} (\\d)`).exec(
    await (await fetch(`${managementUrl}/metrics`)).text()
  )?.[1]

t.test(
  '503 upstream-unavailable while HOSTKEY keeps failing, without asking it; 200 when it is well again',
  async t => {
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
    t.equal(await restOf(g, 'read'), '1')
    control.clearFaults()
    t.ok(await untilWell(() => get('/accounts')))
    t.equal((await get('/accounts')).statusCode, 200)
    t.ok(lines.some(line => line.includes('"class":"read"') && line.includes('"level":"info"')))
    t.equal(await restOf(g, 'read'), '0')
  }
)

t.test('refusals never open it', async t => {
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  for (const kind of ['refusal', 'auth-failure', 'bare-error', 'throttled'] as const) {
    control.fault({ kind, action: 'get_users', count: 10 })
    for (let n = 0; n < 10; n += 1) t.ok((await get('/accounts')).statusCode >= 400)
  }
  t.equal(control.counters()['get_users'], 40)
  t.equal((await get('/accounts')).statusCode, 200)
})

t.test('callers that hang up never open it', async t => {
  const g = await gateway(t)
  const { get, sandbox } = g
  const { control } = sandbox
  control.fault({ kind: 'hang', action: 'get_users', count: 10 })
  for (let n = 1; n <= 10; n += 1) {
    const call = begun(g, 'GET', '/accounts', sandbox.demo.token)
    t.ok(await eventually(() => control.counters()['get_users'] === n))
    call.hangUp()
  }
  t.equal((await get('/accounts')).statusCode, 200)
})

t.test('a probe whose caller hangs up tells nothing: the next call is the probe', async t => {
  const g = await gateway(t)
  const { get, sandbox } = g
  const { control } = sandbox
  control.fault({ kind: 'empty-500', action: 'get_users', count: 5 })
  for (let n = 0; n < 5; n += 1) fails(t, await get('/accounts'), 502, 'upstream-bad-response')
  control.fault({ kind: 'hang', action: 'get_users', count: 1 })
  control.clearCalls()
  await pause(LONGEST_REST_MS)
  const probe = begun(g, 'GET', '/accounts', sandbox.demo.token)
  t.ok(await eventually(() => control.counters()['get_users'] === 1))
  fails(t, await get('/plans'), 503, 'upstream-unavailable')
  probe.hangUp()
  t.ok(await eventually(() => g.lines.some(line => line.includes('"clientAborted":true'))))
  t.equal(await restOf(g, 'read'), '1', 'it has not closed')
  t.equal((await get('/accounts')).statusCode, 200, 'nor does it rest again')
  t.equal(await restOf(g, 'read'), '0')
})

t.test('nothing is sent beside a read that is refused', async t => {
  const { get, sandbox } = await gateway(t)
  const { control } = sandbox
  const usage = () => get('/accounts/s3_user_1/usage')
  control.fault({ kind: 'empty-500', action: 'get_buckets_rmq' })
  for (let n = 0; n < 5; n += 1) fails(t, await usage(), 502, 'upstream-bad-response')
  control.clearCalls()
  fails(t, await usage(), 503, 'upstream-unavailable')
  await pause(100)
  t.strictSame(control.counters(), {})
})

t.test('writes', async t => {
  const g = await gateway(t)
  const { del, sandbox } = g
  const { control } = sandbox
  const remove = () => del('/accounts/s3_user_1/buckets/empty-bucket')
  control.fault({ kind: 'empty-500', action: 'delete_bucket' })
  for (let n = 0; n < 5; n += 1) fails(t, await remove(), 502, 'upstream-bad-response', { outcome: 'not-applied' })
  control.clearCalls()

  t.test('503 upstream-unavailable, not applied, and no write is sent; one read is sent beside', async t => {
    control.fault({ kind: 'latency', action: 'list_plans', ms: 200 })
    for (const reply of await Promise.all([remove(), remove(), remove()])) {
      fails(t, reply, 503, 'upstream-unavailable', { outcome: 'not-applied', retryable: true })
      t.match(reply.headers['retry-after'], /^[1-9]\d*$/)
    }
    t.ok(await eventually(() => control.counters()['list_plans'] === 1))
    await pause(100)
    t.strictSame(control.counters(), { list_plans: 1 })
    t.equal(await restOf(g, 'write'), '1')
  })

  t.test('204 when the reads beside them have been answered', async t => {
    control.clearFaults()
    t.ok(
      await untilWell(async () => {
        await pause(50)
        return remove()
      })
    )
    t.equal(control.counters()['delete_bucket'], 1)
    t.equal(await restOf(g, 'write'), '0')
  })
})

t.test('the read beside a write that is refused is sent although the caller has hung up', async t => {
  const g = await withServices(t, { writer: { scopes: ['buckets:write'] } })
  const { del, sandbox, as } = g
  const { control } = sandbox
  const path = '/accounts/s3_user_1/buckets/empty-bucket'
  control.fault({ kind: 'empty-500', action: 'delete_bucket' })
  for (let n = 0; n < 5; n += 1) fails(t, await del(path), 502, 'upstream-bad-response')
  control.clearCalls()
  // Long enough for the caller to go while the gateway logs in for it.
  control.fault({ kind: 'latency', action: 'login', ms: 300 })
  const call = begun(g, 'DELETE', path, as.writer.token)
  t.ok(await eventually(() => control.counters()['login'] === 1))
  call.hangUp()
  t.ok(await eventually(() => control.counters()['list_plans'] === 1))
  t.ok(await eventually(() => g.lines.some(line => line.includes('"clientAborted":true'))))
})
