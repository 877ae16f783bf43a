import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../src/sandbox/index.ts'
import { amount } from '../support/harness/amount.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gatewayProcess } from '../support/harness/processes.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'
import { createDice, mutated } from './fuzz/mutate.ts'

/** Differs at each run; `SEED=… node --test …` repeats a run. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30))
const RUNS = Number(process.env['FUZZ_RUNS'] ?? amount(500, 10_000, 20_000))

const CLIENTS = 32

/** After this time the client closes its side, which ends an incomplete request. */
const PATIENCE_MS = 250

/** The memory after this share of the requests is the reference. */
const WARM_UP = 0.5

/** 128 MiB: normal growth of a heap without pressure. Four times as many requests add no more (measured). */
const MAX_MORE_BYTES = 128 * 2 ** 20

const BUCKET = '/accounts/s3_user_1/buckets/holiday-pictures'

/** Requests as clients send them: recorded from curl, undici and Chromium, and shortened. */
const recorded = (token: string): Buffer[] => {
  const asked = (line: string, headers: readonly string[] = [], body = '') =>
    Buffer.from(
      [
        `${line} HTTP/1.1`,
        'Host: 127.0.0.1:8080',
        `Authorization: Bearer ${token}`,
        ...headers,
        ...(body === '' ? [] : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
        '',
        body
      ].join('\r\n')
    )
  return [
    asked('GET /accounts', ['User-Agent: curl/8.5.0', 'Accept: */*']),
    asked('GET /accounts/s3_user_1/buckets?expand=usage', ['Accept: application/json', 'Connection: keep-alive']),
    asked(`GET ${BUCKET}/files?limit=2&search=2021`, ['Accept-Encoding: gzip, deflate, br', 'Sec-Fetch-Site: none']),
    asked('GET /plans', ['If-None-Match: W/"1f-2Zk8Q"', 'X-Request-Id: recorded-1']),
    asked('GET /accounts/s3_user_1/keys/access-key', ['Cookie: __Host-Http-session=a.b; theme=dark', 'X-CSRF: 1']),
    asked(`DELETE ${BUCKET}/files/with%20space.txt`, ['Origin: http://127.0.0.1:8080']),
    asked(`DELETE ${BUCKET}/files?path=a%2Fb`, ['Expect: 100-continue']),
    asked('DELETE /accounts/s3_user_1', ['Confirm-Delete: s3_user_2']),
    asked('POST /accounts/s3_user_1/buckets', ['X-Forwarded-For: 10.0.0.1'], '{"name":"photos"}'),
    asked(
      'POST /orders/checks',
      ['Idempotency-Key: 7b1f0c3e-2a54-4a0c-9c57-1d8f6f0b7a11'],
      '{"planId":2,"bucketName":"photos","expectedPrice":{"monthlyEur":4.9}}'
    ),
    asked('POST /session', ['X-CSRF: 1'], `{"token":"${token}"}`),
    Buffer.concat([
      asked('POST /accounts/s3_user_1/buckets', ['Transfer-Encoding: chunked', 'Content-Type: application/json']),
      Buffer.from('11\r\n{"name":"photos"}\r\n0\r\n\r\n')
    ]),
    Buffer.concat([asked('GET /livez'), asked('GET /readyz')])
  ]
}

/** A busy machine: the gateway sheds load. */
const SHED = '/problems/overloaded"'

/** @returns the statuses of the replies, in order; none when the connection is closed without one */
const exchanged = (port: number, bytes: Buffer): Promise<{ statuses: number[]; isClosed: boolean; text: string }> =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const chunks: Buffer[] = []
    const settle = (isClosed: boolean) => {
      clearTimeout(patience)
      clearTimeout(limit)
      socket.destroy()
      const text = Buffer.concat(chunks).toString('latin1')
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
      resolve({ statuses, isClosed, text })
    }
    const patience = setTimeout(() => socket.end(), PATIENCE_MS)
    // A gateway that neither answers nor closes has hung.
    const limit = setTimeout(() => settle(false), 10_000)
    socket.on('data', chunk => {
      chunks.push(chunk)
      // The reply has arrived; another request in the same bytes is answered at once.
      clearTimeout(patience)
      setTimeout(() => socket.end(), 5)
    })
    socket.on('error', () => settle(true))
    socket.on('end', () => settle(true))
    socket.on('close', () => settle(true))
    socket.write(bytes)
  })

t.test(`${RUNS} requests with bytes changed`, async t => {
  process.stdout.write(`# seed of raw-requests: ${seed}\n`)
  const figure = figuresOf(t, 'raw-requests')
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.teardown(() => sandbox.close())
  const { child, url, printed, residentBytes } = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    LOG_LEVEL: 'warn',
    SESSION_SECRET: 'x'.repeat(40),
    RATE_LIMIT_MAX: '1000000',
    RATE_LIMIT_WINDOW_MS: '1000'
  })
  const port = Number(new URL(url).port)

  const dice = createDice(seed)
  const requests = recorded(sandbox.demo.token)
  const counts: Record<string, number> = {}
  const violations: string[] = []
  let sent = 0
  let rssWarm = 0
  const client = async () => {
    while (sent < RUNS && child.exitCode === null) {
      sent += 1
      if (sent % 500 === 0) sandbox.control.reset()
      if (sent === Math.floor(RUNS * WARM_UP)) rssWarm = residentBytes()
      const bytes = mutated(requests[Math.floor(dice() * requests.length)] ?? Buffer.alloc(0), dice)
      const { statuses, isClosed, text } = await exchanged(port, bytes)
      const outcome = statuses[0] === undefined ? (isClosed ? 'closed' : 'hung') : `${Math.floor(statuses[0] / 100)}xx`
      counts[outcome] = (counts[outcome] ?? 0) + 1
      if (outcome === 'hung' || (statuses.some(status => status >= 500) && !text.includes(SHED))) {
        violations.push(
          `${statuses}: ${JSON.stringify(bytes.toString('latin1').replaceAll(sandbox.demo.token, 'TOKEN'))}`
        )
      }
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: CLIENTS }, client))
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  const rssMore = residentBytes() - rssWarm

  t.equal(child.exitCode, null, `the process lives: ${printed.err.slice(-500)}`)
  t.equal(sent, RUNS)
  t.strictSame(violations.slice(0, 5), [], `seed ${seed}: no 5xx, and no request hangs`)
  t.equal((await request(`${url}/livez`)).statusCode, 200)
  t.ok((counts['4xx'] ?? 0) > RUNS / 4, 'many were refused')
  t.ok((counts['2xx'] ?? 0) > RUNS / 50, 'and some were harmless')
  t.ok(rssMore < MAX_MORE_BYTES, `${Math.round(rssMore / 2 ** 20)} MiB more`)
  const shown = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`)
  figure(`seed ${seed}, ${sent} mutated requests in ${seconds} s: ${shown.sort().join(', ')}`)
  figure(`${violations.length} five-hundreds or hung; alive; ${Math.round(rssMore / 2 ** 20)} MiB more than after half`)
})
