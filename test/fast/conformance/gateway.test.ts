import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { conformance, type ProxiedRequest, type Reply, startTamperingProxy } from './run.ts'

const FAST = ['--rate', '1000']

t.test('a gateway with the sandbox conforms; the read-only profile only reads', async t => {
  const { url, sandbox } = await gateway(t)
  const { code, output, lines } = await conformance(['--url', url, ...FAST], { sandbox })
  t.equal(code, 0, output)
  t.match(output, /\n\d\d requests sent\.\n\d\d passed, 0 failed, 0 drifted \(\d not checked\)\n$/)
  t.match(lines('skip').join('\n'), /getKey: .*requires --read-keys/)
  for (const operation of ['listAccounts', 'listBuckets', 'listFiles', 'getUsage', 'listPlanHistory']) {
    t.match(lines('pass').join('\n'), new RegExp(`pass +${operation}: 200 as documented`))
  }
  const written = sandbox.control.calls().filter(({ action }) => /^(create|delete)_|show_key/.test(action))
  t.same(written, [], 'nothing is written, and no key is read')
  t.notMatch(output, /s3_user_1|example\.com|holiday/, 'no value of the customer is printed')
})

t.test('what a gateway or its proxy leaves out is not checked', async t => {
  const { url, sandbox } = await gateway(t, { STORAGE_ENDPOINTS: '' })
  const proxyUrl = await startTamperingProxy(t, url, (reply, { target }) => {
    if (!target.includes('%zz')) return
    reply.headers = { 'content-type': 'text/plain' }
    reply.text = 'Bad Request'
  })
  const { code, output, lines } = await conformance(['--url', proxyUrl, ...FAST], { sandbox })
  t.equal(code, 0, output)
  t.match(lines('skip').join('\n'), /getConnection: the gateway has no STORAGE_ENDPOINTS for it/)
  t.match(lines('skip').join('\n'), /invalid percent-encoding: a proxy replies 400 before the gateway/)
})

t.test('an invalid token fails each read that requires one, with the problem', async t => {
  const { url } = await gateway(t)
  const { code, lines } = await conformance(['--url', url, ...FAST], { env: { HOSTKEY_TOKEN: 'invalid-0123456789' } })
  t.equal(code, 1)
  for (const operation of ['getSession', 'listAccounts', 'listPlans']) {
    t.match(lines('fail').join('\n'), new RegExp(`fail +${operation}: 401 invalid-token instead of 200`))
  }
})

t.test('the full profile with a verified sandbox also writes, and deletes what it created', async t => {
  const { url, sandbox } = await gateway(t)
  const args = ['--url', url, '--profile', 'full', '--sandbox', sandbox.url, '--read-keys', ...FAST]
  const { code, output, lines } = await conformance(args, { sandbox })
  t.equal(code, 0, output)
  for (const subject of ['getKey', 'createBucket', 'deleteBucket', 'createOrder', 'deleteFile with unusual paths']) {
    t.match(lines('pass').join('\n'), new RegExp(`pass +${subject}: `))
  }
  const counted = sandbox.control.counters()
  t.equal(counted['create_order'], 1, 'two requests with one key create one order')
  t.equal(counted['create_bucket'], 1)
  t.notMatch(JSON.stringify(sandbox.control.state()), /"conformance-/, 'everything created is deleted')
})

t.test('nothing is written when the gateway does not use the sandbox', async t => {
  const { url, sandbox } = await gateway(t)
  const other = await startSandbox({ seed: 'another' })
  t.after(() => other.close())
  const args = ['--url', url, '--profile', 'full', '--sandbox', other.url, ...FAST]
  const { code, lines } = await conformance(args, { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /the sandbox of the gateway: .*nothing is written/)
  t.same(
    sandbox.control.calls().filter(({ action }) => /^(create|delete)_/.test(action)),
    []
  )
})

t.test('an ordered account is deleted even when the check of the order fails', async t => {
  const { url, sandbox } = await gateway(t)
  const proxyUrl = await startTamperingProxy(t, url, (reply, { target }) => {
    if (target === '/orders') delete reply.headers['idempotency-replayed']
  })
  const args = ['--url', proxyUrl, '--profile', 'full', '--sandbox', sandbox.url, ...FAST]
  const { code, lines } = await conformance(args, { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /createOrder: the second reply lacks/)
  t.match(lines('pass').join('\n'), /deleteAccount of the account with conformance-\w+: 204/)
  t.equal(sandbox.control.counters()['delete_account'], 1)
})

/** A reply to change, and the line that must report it. */
interface BrokenReply {
  target: RegExp
  when?: (request: ProxiedRequest) => boolean
  change: (reply: Reply) => void
  line: RegExp
}

const hasRequestId = ({ headers }: ProxiedRequest) => headers['x-request-id'] !== undefined
const edit = (change: (body: Record<string, unknown>) => void) => (reply: Reply) => {
  const body = JSON.parse(reply.text)
  change(body)
  reply.text = JSON.stringify(body)
}
const drop = (name: string) => (reply: Reply) => {
  delete reply.headers[name]
}
const put = (name: string, value: string) => (reply: Reply) => {
  reply.headers[name] = value
}
const status = (code: number) => (reply: Reply) => {
  reply.status = code
}

/** Matches only the first request: the same target is requested again as the documented example. */
const isFirst = () => {
  let count = 0
  return () => count++ === 0
}

const brokenReplies: BrokenReply[] = [
  { target: /^\/plans$/, change: edit(body => (body['extra'] = 1)), line: /listPlans: .*additional properties/ },
  { target: /^\/accounts\/s3_user_1$/, when: isFirst(), change: drop('etag'), line: /getAccount: .*ETag/ },
  {
    target: /^\/accounts\/s3_user_1\/usage$/,
    when: ({ headers }) => headers['if-none-match'] !== undefined,
    change: status(418),
    line: /getUsage: 418 is not documented/
  },
  {
    target: /^\/livez$/,
    when: request => !hasRequestId(request),
    change: drop('x-content-type-options'),
    line: /getLiveness: .*x-content-type-options/
  },
  { target: /^\/readyz$/, change: put('cache-control', 'public'), line: /getReadiness: .*cache-control/ },
  { target: /^\/session$/, change: drop('server-timing'), line: /getSession: .*Server-Timing/ },
  {
    target: /s3_user_1\/buckets$/,
    change: put('cache-control', 'no-store'),
    line: /listBuckets: Cache-Control is not private/
  },
  {
    target: /^\/plans\/2147483647$/,
    change: edit(body => (body['type'] = '/problems/forbidden')),
    line: /an unknown plan: .*forbidden/
  },
  {
    target: /^\/no-such-path$/,
    change: put('content-type', 'application/json'),
    line: /an unknown path: .*application\/json/
  },
  { target: /\/termination$/, change: drop('allow'), line: /an unsupported method: the header allow/ },
  { target: /no_such_parameter/, change: status(200), line: /an unknown parameter: 200/ },
  {
    target: /^\/accounts\/%zz$/,
    change: edit(body => (body['instance'] = 'x')),
    line: /invalid percent-encoding: instance/
  },
  {
    target: /limit=0/,
    change: put('cache-control', 'private, no-cache'),
    line: /a limit out of range: Cache-Control/
  },
  {
    target: /^\/livez$/,
    when: hasRequestId,
    change: put('x-request-id', 'another'),
    line: /X-Request-Id: the request id/
  },
  {
    target: /^\/accounts$/,
    when: ({ headers }) => headers.authorization === undefined,
    change: drop('www-authenticate'),
    line: /without a credential: .*www-authenticate/
  },
  {
    target: /^\/problems\/(?!no-such|invalid-token|bucket-not-empty)/,
    change: put('content-type', 'text/plain'),
    line: /problem pages: \S+ has no page/
  },
  {
    target: /files\?limit=150$/,
    change: reply => (reply.text = reply.text.replace('?path=', '?path=x')),
    line: /listFiles links: a link does not contain/
  },
  {
    target: /file-stream$/,
    change: reply => (reply.text = reply.text.replace(/\n[^\n]*\n$/, '\n')),
    line: /streamFiles: the last line/
  },
  { target: /files\?limit=2$/, change: drop('link'), line: /listFiles pages: .Link. and/ }
]

t.test('each broken reply is a failure of its own, and the exit code is 1', async t => {
  const { url, sandbox } = await gateway(t)
  const proxyUrl = await startTamperingProxy(t, url, (reply, request) => {
    for (const { target, when = () => true, change } of brokenReplies)
      if (target.test(request.target) && when(request)) change(reply)
  })
  const { code, output, lines } = await conformance(['--url', proxyUrl, ...FAST], { sandbox })
  t.equal(code, 1)
  const failed = lines('fail')
  for (const { line } of brokenReplies)
    t.ok(
      failed.some(text => line.test(text)),
      `${line}`
    )
  t.equal(failed.length, brokenReplies.length, output)
})

t.test('a server that is no gateway fails at its document', async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const { code, lines } = await conformance(['--url', sandbox.url], { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /openapi\.json: /)
})
