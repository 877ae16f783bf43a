import { type RequestListener, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { ProblemName } from '../../../../schemas/problems.ts'
import { type FaultKind, startSandbox } from '../../../../src/sandbox/index.ts'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { serving } from '../../../support/harness/serving.ts'

/** Deadlines: one that is reached, and one that is never reached, even on a busy machine. */
const TIMEOUT_MS = 400
const PATIENCE_MS = 20_000
const FILE = '/accounts/s3_user_1/buckets/logs/files?path=access-00000.log.gz'

/** The reply for each transport fault, and whether a deletion with this fault has deleted the file. */
const faults: [kind: FaultKind, status: number, problem: ProblemName, isGone: boolean][] = [
  ['reset-before', 504, 'upstream-timeout', false],
  ['reset-after', 504, 'upstream-timeout', true],
  ['reset-mid-body', 502, 'upstream-bad-response', true],
  ['hang', 504, 'upstream-timeout', false],
  ['hang-after', 504, 'upstream-timeout', true],
  ['stall-mid-body', 504, 'upstream-timeout', true],
  ['empty-500', 502, 'upstream-bad-response', false],
  ['html-502', 502, 'upstream-bad-response', false],
  ['html-503', 502, 'upstream-bad-response', false],
  ['html-504', 502, 'upstream-bad-response', false],
  ['html-502-after', 502, 'upstream-bad-response', true],
  ['empty-200', 502, 'upstream-bad-response', false],
  ['html-200', 502, 'upstream-bad-response', false],
  ['truncated', 502, 'upstream-bad-response', true],
  ['warning', 502, 'upstream-bad-response', true],
  ['oversized', 502, 'upstream-bad-response', true],
  ['redirect', 502, 'upstream-bad-response', false],
  ['throttled', 503, 'upstream-throttled', false],
  ['auth-failure', 401, 'invalid-token', false]
]

/** A refusal needs no verification. */
const isRefusal = (problem: ProblemName) => problem === 'upstream-throttled' || problem === 'invalid-token'

t.test('transport faults', async t => {
  const sandbox = await startSandbox({ seed: crypto.randomUUID() })
  const { control } = sandbox
  t.after(() => sandbox.close())
  const isGone = () => {
    const logs = control.state().buckets.find(({ name }) => name === 'logs')
    return !logs?.files.some(([path]) => path === 'access-00000.log.gz')
  }
  t.beforeEach(() => control.reset())

  for (const [kind, status, problem, gone] of faults) {
    t.test(kind, async t => {
      // A gateway for each fault, so that no circuit opens.
      const deadlineMs = /hang|stall/.test(kind) ? TIMEOUT_MS : PATIENCE_MS
      const { get, del } = await gateway(t, { UPSTREAM_TIMEOUT_MS: String(deadlineMs) }, { sandbox })

      t.test(`${status} ${problem} when a read meets ${kind}`, async t => {
        control.fault({ kind, action: 'get_buckets_rmq' })
        const reply = await get('/accounts/s3_user_1/usage')
        fails(t, reply, status, problem, { retryable: problem !== 'invalid-token' })
        t.notOk('outcome' in reply.json())
        t.notMatch(
          reply.text,
          /Warning|\/var\/www|nginx|\.php|<|elsewhere|ECONNRESET/i,
          'does not quote what HOSTKEY printed'
        )
      })

      const outcome = isRefusal(problem) ? 'not-applied' : 'unknown'
      t.test(
        `${status} ${problem}, outcome ${outcome}, when a write meets ${kind} and the list cannot be read`,
        async t => {
          control.fault({ kind, action: 'delete_file' })
          control.fault({ kind: 'html-200', action: 'get_files' })
          const reply = await del(FILE)
          fails(t, reply, status, problem, { outcome, retryable: problem === 'upstream-throttled' })
          t.equal(control.counters()['delete_file'], 1)
          t.equal(isGone(), gone)
        }
      )

      if (isRefusal(problem)) return
      // Without an answer of PHP, HOSTKEY may still execute the write.
      const isOpen = problem === 'upstream-timeout' || /^html-50/.test(kind)
      const left = isOpen ? { outcome: 'unknown', retryable: false } : { outcome: 'not-applied', retryable: true }
      const heard = gone ? '204' : `${status} ${problem}, outcome ${left.outcome},`
      t.test(`${heard} when a write meets ${kind} and the list is read: sent once`, async t => {
        control.fault({ kind, action: 'delete_file' })
        const reply = await del(FILE)
        if (gone) t.equal(reply.statusCode, 204, reply.text)
        else fails(t, reply, status, problem, left)
        t.equal(control.counters()['delete_file'], 1)
        t.equal(isGone(), gone)
      })
    })
  }
})

t.test('deadline and connection of a call', async t => {
  const patient = await gateway(t, { UPSTREAM_TIMEOUT_MS: String(PATIENCE_MS) })
  const { get, del } = patient
  const { control } = patient.sandbox
  const hasty = await gateway(t, { UPSTREAM_TIMEOUT_MS: String(TIMEOUT_MS) }, { sandbox: patient.sandbox })
  t.beforeEach(() => control.reset())

  t.test('504 upstream-timeout within the deadline', async t => {
    control.fault({ kind: 'hang' })
    const startedAt = performance.now()
    await hasty.get('/plans')
    const ms = performance.now() - startedAt
    t.ok(ms >= TIMEOUT_MS - 20 && ms < PATIENCE_MS / 4, `${ms} ms`)
  })

  for (const [ms, seconds] of [
    [7000, '7'],
    [3_600_000, '3600']
  ] as const) {
    t.test(`503 upstream-throttled with Retry-After ${seconds} when HOSTKEY sends ${ms / 1000}`, async t => {
      control.fault({ kind: 'throttled-retry-after', ms })
      const reply = await get('/plans')
      fails(t, reply, 503, 'upstream-throttled', { retryable: true })
      t.equal(reply.headers['retry-after'], seconds)
    })
  }

  t.test('an order and a login use a new connection each; reads and other writes reuse theirs', async t => {
    await del(FILE)
    await get('/plans')
    await patient.del('/accounts/s3_user_2', { headers: { 'confirm-delete': 's3_user_2' } })
    await createBrowser(patient).logIn({ apiKey: patient.sandbox.demo.apiKey })
    const connectionOf = (name: string) => control.calls().find(({ action }) => action === name)?.headers['connection']
    for (const name of ['delete_account', 'login']) t.equal(connectionOf(name), 'close', name)
    for (const name of ['delete_file', 'list_plans']) t.equal(connectionOf(name), 'keep-alive', name)
  })
})

t.test('a redirect', async t => {
  t.test('is not followed; the token is not sent there', async t => {
    let visits = 0
    const elsewhere = await serving(t, (_request, response) => {
      visits += 1
      response.end('{"result":"OK","plans":[]}')
    })
    const { get, sandbox } = await gateway(t)
    sandbox.control.fault({ kind: 'redirect', text: `${elsewhere}/s3.php` })
    fails(t, await get('/plans'), 502, 'upstream-bad-response')
    t.equal(visits, 0)
  })
})

t.test('an upstream that breaks the protocol', async t => {
  const bomb = gzipSync(`{"result":"OK","plans":[]${' '.repeat(50 * 1024 * 1024)}}`)
  const answers: [name: string, status: number, problem: ProblemName, answer: RequestListener][] = [
    [
      'it inflates to more than 1 MiB',
      502,
      'upstream-bad-response',
      (_request, response) => {
        response.setHeader('content-encoding', 'gzip')
        response.end(bomb)
      }
    ],
    [
      'its Content-Encoding is gzip but its body is not',
      502,
      'upstream-bad-response',
      (_request, response) => {
        response.setHeader('content-encoding', 'gzip')
        response.end('{"result":"OK","plans":[]}')
      }
    ],
    [
      'its encoding is unknown',
      502,
      'upstream-bad-response',
      (_request, response) => {
        response.setHeader('content-encoding', 'compress')
        response.end('{"result":"OK","plans":[]}')
      }
    ],
    [
      'it sends single bytes for ever',
      504,
      'upstream-timeout',
      (_request, response) => {
        const drip = setInterval(() => response.write(' '), 40)
        response.on('close', () => clearInterval(drip))
      }
    ],
    [
      'it does not speak HTTP',
      502,
      'upstream-bad-response',
      (request, _response) => {
        request.socket.end('SSH-2.0-OpenSSH_9.2p1\r\n')
      }
    ],
    [
      'it poisons the prototype',
      502,
      'upstream-bad-response',
      (_request, response) => {
        response.end('{"__proto__":{"result":"OK"},"plans":[]}')
      }
    ],
    [
      'a number overflows',
      502,
      'upstream-bad-response',
      (_request, response) => {
        response.end('{"result":"OK","plans":[{"id":1e999}]}')
      }
    ]
  ]
  for (const [name, status, problem, answer] of answers) {
    t.test(`${status} ${problem} when ${name}`, async t => {
      const UPSTREAM_URL = await serving(t, answer)
      const deadlineMs = problem === 'upstream-timeout' ? TIMEOUT_MS : PATIENCE_MS
      const { get } = await gateway(t, { UPSTREAM_URL, UPSTREAM_TIMEOUT_MS: String(deadlineMs) })
      fails(t, await get('/plans'), status, problem, { retryable: true })
    })
  }

  t.test('502 upstream-unreachable, not applied and retryable, when the port is closed', async t => {
    const { get, del } = await gateway(t, { UPSTREAM_URL: 'http://127.0.0.1:1/' })
    fails(t, await get('/plans'), 502, 'upstream-unreachable', { retryable: true })
    fails(t, await del(FILE), 502, 'upstream-unreachable', { outcome: 'not-applied', retryable: true })
  })
})

t.test('a caller that disconnects', async t => {
  const { url, sandbox, asked, lines } = await gateway(t)
  const { control } = sandbox
  const orderThenDisconnect = async (during: string) => {
    control.reset()
    control.fault({ kind: 'latency', action: during, ms: 150, count: 1 })
    const authorization = `Bearer ${sandbox.demo.token}`
    const headers = { authorization, 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
    const caller = request(`${url}/orders`, { method: 'POST', headers })
    caller.on('error', () => undefined)
    caller.end('{"planId":2,"bucketName":"photos"}')
    while (!asked().includes(during)) await pause(5)
    lines.length = 0
    caller.destroy()
    // The request is logged when all its work has ended.
    t.ok(await eventually(() => lines.some(line => line.includes('"clientAborted":true'))))
  }

  t.test('before the order is sent orders nothing', async t => {
    await orderThenDisconnect('list_plans')
    t.strictSame(asked(), ['info', 'list_plans'])
  })

  t.test('after the order is sent does not stop its verification', async t => {
    await orderThenDisconnect('create_order')
    t.equal(control.counters()['create_order'], 1)
    t.ok(asked().includes('get_buckets'))
    t.equal(control.state().accounts.length, 5)
  })
})
