import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../src/sandbox/index.ts'
import { isLong } from '../support/harness/amount.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { openConnection } from '../support/harness/raw.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const figure = figuresOf(t, 'shutdown-in-flight')

/** Longer than two questions take on a busy machine, and short enough for the order to outlast the reads. */
const DELAY_MS = 1200
const GRACE_MS = 8000
/** How long HOSTKEY takes for the order: longer than a read may take while the replica ends. */
const WRITE_MS = 5000
/** What a busy machine may add. */
const SLACK_MS = 1000

/** A gateway process in front of a sandbox that is slow with orders, and an order that is on its way. */
const orderUnderWay = async (t: Test, env: Record<string, string> = {}) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const settings = {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    SESSION_SECRET: 'x'.repeat(40),
    UPSTREAM_TIMEOUT_MS: '20000',
    DRAIN_DELAY_MS: String(DELAY_MS),
    DRAIN_GRACE_MS: String(GRACE_MS),
    ...env
  }
  const { control } = sandbox
  const key = randomUUID()
  const authorization = `Bearer ${sandbox.demo.token}`
  const orderAt = async (url: string) => {
    const { statusCode, headers, body } = await request(`${url}/orders`, {
      method: 'POST',
      headers: { authorization, 'idempotency-key': key, 'content-type': 'application/json' },
      body: '{"planId":2,"bucketName":"kept"}'
    })
    return { statusCode, headers, text: await body.text() }
  }
  const orders = () => control.counters()['create_order'] ?? 0
  control.fault({ kind: 'latency', action: 'create_order', ms: WRITE_MS })
  const gateway = await gatewayProcess(t, settings)
  const order = orderAt(gateway.url)
  order.catch(() => undefined)
  t.ok(await eventually(() => orders() === 1), 'the order is on its way')
  return { sandbox, settings, gateway, authorization, order, orderAt, orders }
}

const isDraining = (t: Test, reply: string, name: string) => {
  t.match(reply, /^HTTP\/1\.1 503 /, name)
  t.match(reply, /\/problems\/draining"/, name)
  t.match(reply, /^connection: close\r$/im, name)
  t.match(reply, /^retry-after: 1\r$/im, name)
}

t.test('a replica that receives SIGTERM', async t => {
  const { sandbox, settings, gateway, authorization, order, orderAt, orders } = await orderUnderWay(t)
  const { url, managementUrl } = gateway
  const { control } = sandbox
  control.fault({ kind: 'latency', action: 'get_buckets_rmq', ms: 15_000 })

  control.fault({ kind: 'latency', action: 'info', ms: 15_000 })

  const head = `Host: x\r\nAuthorization: ${authorization}\r\n`
  const longRead = await openConnection(url, `GET /accounts/s3_user_1/usage HTTP/1.1\r\n${head}\r\n`)
  const unknown = await openConnection(
    url,
    `GET /orders/${randomUUID()} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${control.tokenOf('other')}\r\n\r\n`
  )
  const newBucket = `POST /accounts/s3_user_1/buckets HTTP/1.1\r\n${head}Content-Type: application/json\r\n`
  const halfBody = await openConnection(url, `${newBucket}Content-Length: 100\r\n\r\n{"name":`)
  const halfLogin = await openConnection(
    url,
    'POST /session HTTP/1.1\r\nHost: x\r\nX-CSRF: 1\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{'
  )
  const halfHead = await openConnection(url, `GET /plans HTTP/1.1\r\nHost: x\r\nAuthor`)
  const fresh = await openConnection(url, '')
  const used = await openConnection(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  const late = await openConnection(url, `GET /plans HTTP/1.1\r\n${head}`)
  const lateProbe = await openConnection(url, 'GET /livez HTTP/1.1\r\nHost: x\r\n')
  t.ok(await eventually(() => (control.counters()['get_buckets_rmq'] ?? 0) === 1), 'the read is on its way')

  const startedAt = performance.now()
  const since = () => performance.now() - startedAt
  gateway.signal('SIGTERM')

  t.ok(await eventually(async () => (await fetch(`${managementUrl}/readyz`)).status === 503))
  const served = await fetch(`${url}/plans`, { headers: { authorization } })
  t.ok(since() < DELAY_MS, 'asked within the delay')
  t.equal(served.status, 200, 'served, until the load balancer has noticed')
  t.equal(served.headers.get('connection'), 'close')

  isDraining(t, await halfBody.ended, 'half a body, when the listener closes')
  isDraining(t, await halfLogin.ended, 'half a login')
  t.ok(since() >= DELAY_MS - 50 && since() < DELAY_MS + SLACK_MS, `${since().toFixed(0)} ms`)
  await t.rejects(fetch(`${url}/livez`), 'no new connection is taken')
  late.send('\r\n')
  isDraining(t, await late.ended, 'a straggler')
  lateProbe.send('\r\n')
  t.match(await lateProbe.ended, /^HTTP\/1\.1 200 [\s\S]*connection: close/i, 'a replica that ends is alive')
  t.match(await used.ended, /^HTTP\/1\.1 200 /, 'an idle connection is closed behind its last reply')
  t.equal((await fetch(`${managementUrl}/livez`)).status, 200)

  isDraining(t, await longRead.ended, 'a long read')
  isDraining(t, await unknown.ended, 'one that waits for HOSTKEY to say who it is')
  t.ok(since() < DELAY_MS + GRACE_MS / 2 + SLACK_MS, `${since().toFixed(0)} ms`)

  const answer = await order
  t.equal(answer.statusCode, 201, answer.text)
  t.equal(answer.headers['connection'], 'close')
  const ended = await gateway.ended
  t.equal(ended.code, 0)
  t.ok(ended.ms <= DELAY_MS + GRACE_MS, `${ended.ms.toFixed(0)} ms`)
  t.equal(await halfHead.ended, '', 'half a head is not answered, and not waited for')
  t.equal(await fresh.ended, '', 'a connection without a request is not waited for')
  t.match(gateway.log().at(-1), { msg: 'stopped' })
  const leaks = gateway.log().filter(({ level }) => level === 'error' || level === 'fatal')
  t.strictSame(leaks, [], 'nothing is an error of ours')

  t.test('has recorded the order: the next one replays it', async t => {
    const next = await gatewayProcess(t, settings)
    const replay = await orderAt(next.url)
    t.equal(replay.statusCode, 201)
    t.equal(replay.headers['idempotency-replayed'], 'true')
    t.equal(replay.text, answer.text)
    t.equal(orders(), 1)
    t.strictSame(control.counters()['create_bucket'], undefined, 'what was half sent has done nothing')
    next.signal('SIGTERM')
    t.equal((await next.ended).code, 0)
  })
  figure(
    `the write of ${WRITE_MS} ms ended with ${answer.statusCode}; exit ${ended.code} after ${(ended.ms / 1000).toFixed(1)} s of ${(DELAY_MS + GRACE_MS) / 1000} s`
  )
})

if (isLong) {
  t.test('the end of the grace ends the process with 1, and the log counts what is abandoned', async t => {
    const env = { DRAIN_GRACE_MS: '1000', ORDER_LEASE_MS: '500', ORDER_LATE_EXECUTION_WINDOW_MS: '0' }
    const { gateway, settings, order, orderAt, orders, sandbox } = await orderUnderWay(t, env)
    gateway.signal('SIGTERM')
    const { code, ms } = await gateway.ended
    await t.rejects(order)
    t.equal(code, 1)
    t.ok(ms >= DELAY_MS + 950 && ms < DELAY_MS + 1000 + SLACK_MS, `${ms.toFixed(0)} ms`)
    t.match(gateway.log().at(-1), { level: 'fatal', abandonedRequests: 1, abandonedWrites: 1 })

    t.test('the ledger has the order: a repetition gets its outcome, and nothing is ordered twice', async t => {
      sandbox.control.clearFaults()
      await pause(WRITE_MS)
      const next = await gatewayProcess(t, settings)
      t.equal((await orderAt(next.url)).statusCode, 201)
      t.equal(orders(), 1)
      figure(`ended by force: exit ${code} after ${(ms / 1000).toFixed(1)} s; ${orders()} order sent`)
    })
  })

  t.test('a second signal ends the process at once with 1, and the log counts what is abandoned', async t => {
    const { gateway, order, sandbox, authorization } = await orderUnderWay(t)
    sandbox.control.fault({ kind: 'latency', action: 'get_buckets_rmq', ms: 15_000 })
    const head = `Host: x\r\nAuthorization: ${authorization}\r\n`
    await openConnection(gateway.url, `GET /accounts/s3_user_1/usage HTTP/1.1\r\n${head}\r\n`)
    t.ok(await eventually(() => sandbox.control.counters()['get_buckets_rmq'] === 1), 'and a read')
    gateway.signal('SIGTERM')
    t.ok(await eventually(() => gateway.log().some(({ msg }) => msg === 'draining')))
    gateway.signal('SIGINT')
    const { code, ms } = await gateway.ended
    await t.rejects(order)
    t.equal(code, 1)
    t.ok(ms < SLACK_MS, `${ms.toFixed(0)} ms`)
    t.match(gateway.log().at(-1), { level: 'fatal', abandonedRequests: 2, abandonedWrites: 1 })
  })
}
