import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { type Sandbox, startSandbox } from '../../src/sandbox/index.ts'
import { amount, isLong } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { type GatewayProcess, gatewayProcess } from '../support/harness/processes.ts'
import { createRawClient } from '../support/harness/raw.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { stablePort } from '../support/harness/stable-port.ts'
import { tcpProxy } from '../support/harness/tcp-proxy.ts'
import { haproxy } from './haproxy.ts'

const REQUESTS = amount(200, 30_000, 100_000)
const RESTARTS = amount(1, 3, 8)
/** Longer than the proxy takes to notice: two checks 200 ms apart, and a machine that a short run shares with other tests. */
const DELAY_MS = amount(4000, 1500)
const GRACE_MS = 10_000
const CHECK_MS = 100
const CLIENTS = amount({ fast: 8, slowReads: 1, slowWrites: 1 }, { fast: 32, slowReads: 4, slowWrites: 4 })
/** One in this number of fast requests reaches HOSTKEY; the others need the gateway only. */
const REAL_EVERY = amount(5, 50)

interface Tally {
  asked: number
  real: number
  written: string[]
  failures: string[]
}

/** A short run needs no haproxy: new connections go to a replica that is ready. @returns the address */
const balance = async (t: Test, ports: readonly number[]): Promise<string> => {
  const { port, redirect } = await tcpProxy(t, ports[0] ?? 0)
  const isReady = (port: number) =>
    fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ status }) => status === 200,
      () => false
    )
  const choose = async () => {
    for (const port of ports) if (await isReady(port)) return redirect(port)
  }
  const timer = setInterval(choose, CHECK_MS)
  t.after(async () => clearInterval(timer))
  return `http://127.0.0.1:${port}`
}

t.test(`${RESTARTS} rolling restarts behind a load balancer`, async t => {
  const figure = figuresOf(t, 'rolling-restart')
  const folder = temporaryFolder(t)
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  sandbox.control.fault({ kind: 'latency', action: 'show_key', ms: 800 })
  sandbox.control.fault({ kind: 'latency', action: 'create_bucket', ms: 1500 })

  const start = (port: number) =>
    gatewayProcess(t, {
      PORT: String(port),
      UPSTREAM_URL: sandbox.url,
      DRAIN_DELAY_MS: String(DELAY_MS),
      DRAIN_GRACE_MS: String(GRACE_MS),
      RATE_LIMIT_MAX: '1000000',
      LOG_LEVEL: 'error',
      NODE_COMPILE_CACHE: folder
    })
  const ports = [await stablePort(), await stablePort()]
  const running: GatewayProcess[] = await Promise.all(ports.map(start))
  const url = isLong ? await haproxy(t, folder, await stablePort(), ports) : await balance(t, ports)

  const tally: Tally = { asked: 0, real: 0, written: [], failures: [] }
  let restarts = 0
  const isOver = () => restarts >= RESTARTS && tally.asked >= REQUESTS
  const startedAt = performance.now()
  const clients = [
    ...Array.from({ length: CLIENTS.fast }, () => fastClient(url, sandbox, tally, isOver)),
    ...Array.from({ length: CLIENTS.slowReads }, () => slowReader(url, sandbox, tally, isOver)),
    ...Array.from({ length: CLIENTS.slowWrites }, () => slowWriter(url, sandbox, tally, isOver))
  ]

  const slowest: number[] = []
  for (; restarts < RESTARTS; restarts += 1) {
    const place = restarts % ports.length
    const old = running[place]
    const port = ports[place]
    if (!old || port === undefined) throw new TypeError('there is no such gateway')
    old.signal('SIGTERM')
    const { code, ms } = await old.ended
    t.equal(code, 0, `restart ${restarts + 1}: ${ms.toFixed(0)} ms`)
    slowest.push(ms)
    running[place] = await start(port)
    // The next one must not go before this one is back.
    await pause(1000)
  }
  await Promise.all(clients)
  const seconds = (performance.now() - startedAt) / 1000

  t.strictSame(tally.failures.slice(0, 5), [], 'no request failed')
  t.ok(tally.asked >= REQUESTS, `${tally.asked} requests`)
  t.ok(Math.max(...slowest) <= DELAY_MS + GRACE_MS, 'each restart is within its time')
  const made = sandbox.control.state().accounts.flatMap(({ buckets }) => buckets)
  t.strictSame(
    tally.written.filter(name => !made.includes(name)),
    [],
    'every bucket with a 201 exists'
  )
  t.equal(sandbox.control.counters()['create_bucket'], tally.written.length, 'and was sent once')
  figure(
    `${tally.failures.length} failed of ${tally.asked} (${tally.real} of them through to HOSTKEY, ${tally.written.length} slow writes) over ${RESTARTS} rolling restarts, each at most ${(Math.max(...slowest) / 1000).toFixed(1)} s, in ${seconds.toFixed(0)} s`
  )
})

type Client = (url: string, sandbox: Sandbox, tally: Tally, isOver: () => boolean) => Promise<void>

/** One connection, kept alive, one request after the other. */
const fastClient: Client = async (url, { demo }, tally, isOver) => {
  const client = createRawClient(url, { timeoutMs: 20_000 })
  const headers = { authorization: `Bearer ${demo.token}` }
  for (let sent = 1; !isOver(); sent += 1) {
    const isReal = sent % REAL_EVERY === 0
    const line = isReal ? 'GET /accounts/s3_user_1/buckets HTTP/1.1' : 'GET /livez HTTP/1.1'
    await counted(tally, isReal, async () => {
      const { statusCode, text } = await client.send(line, isReal ? headers : {})
      return statusCode === 200 ? undefined : `${statusCode} ${text}`
    })
    // A short run needs no load.
    if (!isLong) await pause(CHECK_MS)
  }
  client.close()
}

const slowReader: Client = async (url, { demo }, tally, isOver) => {
  const client = createRawClient(url, { timeoutMs: 20_000 })
  const line = 'GET /accounts/s3_user_1/keys/access-key HTTP/1.1'
  while (!isOver()) {
    await counted(tally, true, async () => {
      const { statusCode, text } = await client.send(line, { authorization: `Bearer ${demo.token}` })
      return statusCode === 200 ? undefined : `${statusCode} ${text}`
    })
  }
  client.close()
}

const slowWriter: Client = async (url, { demo }, tally, isOver) => {
  while (!isOver()) {
    const name = `kept-${randomUUID()}`
    await counted(tally, true, async () => {
      const { statusCode, body } = await request(`${url}/accounts/s3_user_1/buckets`, {
        method: 'POST',
        headers: { authorization: `Bearer ${demo.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name })
      })
      const text = await body.text()
      if (statusCode !== 201) return `${statusCode} ${text}`
      tally.written.push(name)
      return undefined
    })
  }
}

const counted = async (tally: Tally, isReal: boolean, ask: () => Promise<string | undefined>) => {
  tally.asked += 1
  tally.real += Number(isReal)
  const failure = await ask().catch((error: Error) => error.message)
  // In a short run other tests load the machine, and the gateway may shed load.
  const isShed = !isLong && failure?.includes('/problems/overloaded"')
  if (failure !== undefined && !isShed) tally.failures.push(failure)
}
