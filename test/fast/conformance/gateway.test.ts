import t from 'tap'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { type Asked, conformance, type Reply, tampering } from './run.ts'

const FAST = ['--rate', '1000']

// 110 s: each broken promise is a run of its own, and other files run at the same time.
t.setTimeout(110_000)

t.test('a gateway before the sandbox conforms, by reading alone', async t => {
  const { url, sandbox } = await gateway(t)
  const { code, output, lines } = await conformance(['--url', url, ...FAST], { sandbox })
  t.equal(code, 0, output)
  t.match(output, /\n\d\d requests sent\.\n\d\d passed, 0 failed, 0 drifted \(\d not checked\)\n$/)
  t.match(lines('skip').join('\n'), /getKey: .*only with --read-keys/)
  for (const operation of ['listAccounts', 'listBuckets', 'listFiles', 'getUsage', 'listPlanHistory']) {
    t.match(lines('pass').join('\n'), new RegExp(`pass +${operation}: 200 as documented`))
  }
  const written = sandbox.control.calls().filter(({ action }) => /^(create|delete)_|show_key/.test(action))
  t.same(written, [], 'nothing is written, and no key is read')
  t.notMatch(output, /s3_user_1|example\.com|holiday/, 'no value of the customer is printed')
})

t.test('a token that is not accepted fails each read that needs one, by name', async t => {
  const { url } = await gateway(t)
  const { code, lines } = await conformance(['--url', url, ...FAST], { env: { HOSTKEY_TOKEN: 'made-up-0123456789' } })
  t.equal(code, 1)
  for (const operation of ['getSession', 'listAccounts', 'listPlans']) {
    t.match(lines('fail').join('\n'), new RegExp(`fail +${operation}: answers 401 invalid-token`))
  }
})

t.test('with the full profile, before a sandbox that is proven, it also writes, and leaves nothing behind', async t => {
  const { url, sandbox } = await gateway(t)
  const args = ['--url', url, '--profile', 'full', '--sandbox', sandbox.url, '--read-keys', ...FAST]
  const { code, output, lines } = await conformance(args, { sandbox })
  t.equal(code, 0, output)
  for (const subject of ['getKey', 'createBucket', 'deleteBucket', 'createOrder', 'deleteFile by odd paths']) {
    t.match(lines('pass').join('\n'), new RegExp(`pass +${subject}: `))
  }
  const counted = sandbox.control.counters()
  t.equal(counted['create_order'], 1, 'two requests with one key are one order')
  t.equal(counted['create_bucket'], 1)
  t.notMatch(JSON.stringify(sandbox.control.state()), /"conformance-/, 'what was made is deleted')
})

t.test('nothing is written when the sandbox is not behind the gateway', async t => {
  const { url, sandbox } = await gateway(t)
  const other = await startSandbox({ seed: 'another' })
  t.after(() => other.close())
  const args = ['--url', url, '--profile', 'full', '--sandbox', other.url, ...FAST]
  const { code, lines } = await conformance(args, { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /the sandbox behind the gateway: .*nothing is written/)
  t.same(
    sandbox.control.calls().filter(({ action }) => /^(create|delete)_/.test(action)),
    []
  )
})

t.test('what was ordered is deleted also when the order is not as it should be', async t => {
  const { url, sandbox } = await gateway(t)
  const withCircuitBreaker = await tampering(t, url, (reply, { target }) => {
    if (target === '/orders') delete reply.headers['idempotency-replayed']
  })
  const args = ['--url', withCircuitBreaker, '--profile', 'full', '--sandbox', sandbox.url, ...FAST]
  const { code, lines } = await conformance(args, { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /createOrder: the second reply does not say/)
  t.match(lines('pass').join('\n'), /deleteAccount of the account with conformance-\w+: 204/)
  t.equal(sandbox.control.counters()['delete_account'], 1)
})

/** A break of one promise: of which reply, how, and the line that must tell of it. */
interface Break {
  target: RegExp
  when?: (asked: Asked) => boolean
  spoil: (reply: Reply) => void
  line: RegExp
}

const isProbe = ({ headers }: Asked) => headers['x-request-id'] !== undefined
const asLines = ({ headers }: Asked) => headers.accept === 'application/x-ndjson'
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

/** What is asked again, as in its example, is answered as it should be. */
const theFirst = () => {
  let asked = 0
  return () => asked++ === 0
}

const breaks: Break[] = [
  { target: /^\/plans$/, spoil: edit(body => (body['extra'] = 1)), line: /listPlans: .*additional properties/ },
  { target: /^\/accounts\/s3_user_1$/, when: theFirst(), spoil: drop('etag'), line: /getAccount: .*ETag/ },
  {
    target: /\/usage$/,
    when: ({ headers }) => headers['if-none-match'] !== undefined,
    spoil: status(418),
    line: /getUsage: 418 is not in/
  },
  {
    target: /^\/livez$/,
    when: asked => !isProbe(asked),
    spoil: drop('x-content-type-options'),
    line: /getLiveness: .*x-content-type-options/
  },
  { target: /^\/readyz$/, spoil: put('cache-control', 'public'), line: /getReadiness: .*cache-control/ },
  { target: /^\/session$/, spoil: drop('server-timing'), line: /getSession: .*Server-Timing/ },
  {
    target: /s3_user_1\/buckets$/,
    spoil: put('cache-control', 'no-store'),
    line: /listBuckets: may be stored by others/
  },
  {
    target: /^\/plans\/2147483647$/,
    spoil: edit(body => (body['type'] = '/problems/forbidden')),
    line: /a plan that does not exist: .*forbidden/
  },
  {
    target: /^\/no-such-path$/,
    spoil: put('content-type', 'application/json'),
    line: /a path that does not exist: .*application\/json/
  },
  { target: /^\/sessions$/, spoil: drop('allow'), line: /a method that the path lacks: the header allow/ },
  { target: /no_such_parameter/, spoil: status(200), line: /an unknown parameter: answers 200/ },
  {
    target: /^\/accounts\/%zz$/,
    spoil: edit(body => (body['instance'] = 'x')),
    line: /not well encoded: its instance/
  },
  {
    target: /limit=0/,
    spoil: put('cache-control', 'private, no-cache'),
    line: /a limit out of range: a failure may be stored/
  },
  { target: /^\/livez$/, when: isProbe, spoil: put('x-request-id', 'another'), line: /X-Request-Id: the caller/ },
  {
    target: /^\/accounts$/,
    when: ({ headers }) => headers.authorization === undefined,
    spoil: drop('www-authenticate'),
    line: /without a credential: .*www-authenticate/
  },
  {
    target: /^\/problems\/(?!no-such|invalid-token|bucket-not-empty)/,
    spoil: put('content-type', 'text/plain'),
    line: /pages of problems: \S+ has no page/
  },
  {
    target: /files\?limit=150$/,
    when: asked => !asLines(asked),
    spoil: reply => (reply.text = reply.text.replace('?path=', '?path=x')),
    line: /listFiles paths: a link does not lead back/
  },
  {
    target: /files\?limit=150$/,
    when: asLines,
    spoil: reply => (reply.text = reply.text.replace(/\n[^\n]*\n$/, '\n')),
    line: /listFiles lines: the last line/
  },
  { target: /files\?limit=2$/, spoil: drop('link'), line: /listFiles pages: .Link. and/ }
]

t.test('each broken promise is a failure of its own, and the run ends with 1', async t => {
  const { url, sandbox } = await gateway(t)
  const withCircuitBreaker = await tampering(t, url, (reply, asked) => {
    for (const { target, when = () => true, spoil } of breaks)
      if (target.test(asked.target) && when(asked)) spoil(reply)
  })
  const { code, output, lines } = await conformance(['--url', withCircuitBreaker, ...FAST], { sandbox })
  t.equal(code, 1)
  const failed = lines('fail')
  for (const { line } of breaks)
    t.ok(
      failed.some(said => line.test(said)),
      `${line}`
    )
  t.equal(failed.length, breaks.length, output)
})

t.test('what is no gateway fails at its document', async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const { code, lines } = await conformance(['--url', sandbox.url], { sandbox })
  t.equal(code, 1)
  t.match(lines('fail').join('\n'), /openapi\.json: /)
})
