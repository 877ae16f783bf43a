import { fastify } from 'fastify'
import t from 'tap'
import { type ProblemName, problemNames, problems } from '../schemas/problems.ts'
import { createMetrics } from '../src/metrics.ts'
import { errors } from '../src/plugins/errors.ts'
import { measure } from '../src/plugins/measure.ts'
import { fails } from './support/expect.ts'
import { gateway, type Reply } from './support/gateway.ts'
import { createRawClient } from './support/raw.ts'

/** Other test files run at the same time. */
t.setTimeout(110_000)

/** Names that nothing can provoke here, and why. */
const elsewhere: Partial<Record<ProblemName, string>> = {
  'session-expired': 'needs a session: test/routes of the sessions',
  'idempotency-in-progress': 'test/routes/order-ledger',
  'idempotency-key-reused': 'test/routes/order-ledger',
  'probable-duplicate-order': 'test/routes/order-ledger',
  'order-not-found': 'test/routes/order-ledger',
  'upstream-unavailable': 'a service whose login is refused, and the breaker, which is not built yet',
  'store-unavailable': 'needs a store that is away: the tests of the stores',
  overloaded: 'test/upstream/limited',
  draining: 'needs a replica that ends: test/promises/t-drain2'
}

t.test('each problem can be provoked by its cause', async t => {
  const { get, post, del, send, sandbox, url } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1500' })
  const { control } = sandbox
  const account = '/accounts/s3_user_1'
  const csrf = { headers: { 'x-csrf': '1' }, token: null }
  const key = { headers: { 'idempotency-key': 'a'.repeat(16) } }
  const refused = (text: string, ask: () => Promise<Reply>) => {
    control.fault({ kind: 'refusal', text })
    return ask()
  }
  const usage = () => get(`${account}/usage`)
  const create = (name: string) => post(`${account}/buckets`, { name })
  const raw = async (line: string, headers: Record<string, string> = {}): Promise<Reply> => {
    const client = createRawClient(url)
    const { status, headers: answered, body } = await client.send(line, headers)
    client.close()
    return { statusCode: status, headers: answered, text: body, json: () => JSON.parse(body) }
  }
  const another = async (
    env: Record<string, string>,
    ask: (other: Awaited<ReturnType<typeof gateway>>) => Promise<Reply>
  ) => ask(await gateway(t, env))

  const provocations: Partial<Record<ProblemName, () => Promise<Reply>>> = {
    'invalid-request': () => post('/accounts', {}),
    'malformed-url': () => get('/accounts/%zz'),
    'file-path-required': () => del(`${account}/buckets/logs/files`),
    'file-path-encoding': () => del(`${account}/buckets/logs/files?path=%FF`),
    'invalid-cursor': () => get(`${account}/buckets/logs/files?cursor=x`),
    'idempotency-key-required': () => post('/orders', { planId: 2, bucketName: 'photos' }),
    unauthenticated: () => get('/accounts', { token: null }),
    'invalid-token': () => get('/accounts', { token: 'x' }),
    'invalid-credentials': () => post('/session', { apiKey: `${'0'.repeat(16)}-${'0'.repeat(16)}` }, csrf),
    'api-key-login-unavailable': () =>
      post('/session', { apiKey: control.customer('storage-only').apiKeys[0]?.key }, csrf),
    'two-factor-required': () => {
      const { email, password } = control.customer('two-factor')
      return post('/session', { email, password }, csrf)
    },
    'csrf-rejected': () => post('/session', { token: 'x' }, { token: null }),
    'insufficient-scope': () => get('/accounts?customerId=1'),
    'payment-required': () =>
      refused('issue service paid', () => post('/orders', { planId: 2, bucketName: 'photos' }, key)),
    forbidden: () => refused('Permission denied', usage),
    'route-not-found': () => get('/nowhere'),
    'account-not-found': () => get('/accounts/s3_user_2/usage'),
    'bucket-not-found': () => del(`${account}/buckets/nothing`),
    'file-not-found': () => del(`${account}/buckets/logs/files?path=nothing`),
    'plan-not-found': () => get('/plans/77'),
    'customer-not-found': () => get('/accounts?customerId=77', { token: control.tokenOf('admin') }),
    'method-not-allowed': () => send('PATCH', '/accounts'),
    'not-acceptable': () => get('/accounts', { headers: { accept: 'text/csv' } }),
    'bucket-exists': () => create('logs'),
    'bucket-not-empty': () => del(`${account}/buckets/logs`),
    'limit-reached': () => {
      control.fault({ kind: 'refusal', text: 'Create bucket error: TooManyBuckets', action: 'create_bucket' })
      return create('photos')
    },
    'price-changed': () => post('/orders', { planId: 2, bucketName: 'photos', expectedPrice: { monthlyEur: 1 } }, key),
    'confirmation-mismatch': () => del(account, { headers: { 'confirm-delete': 's3_user_2' } }),
    'confirmation-required': () => del(account),
    'body-too-large': () => post('/accounts', { bucketName: 'x'.repeat(20_000) }),
    'uri-too-long': () => get(`/accounts/${'x'.repeat(5000)}`),
    'unsupported-media-type': () => post('/accounts', '{}', { headers: { 'content-type': 'text/plain' } }),
    'plan-not-orderable': () => post('/accounts', { planId: 2, bucketName: 'photos' }),
    'location-not-offered': () => post('/accounts', { planId: 1, bucketName: 'photos', location: 'US' }),
    'invalid-bucket-name': () => create('two..dots'),
    'rate-limited': () =>
      another({ RATE_LIMIT_MAX: '1' }, async other => {
        await other.get('/plans')
        return other.get('/plans')
      }),
    'headers-too-large': () => raw('GET /livez HTTP/1.1', { 'x-large': 'x'.repeat(17_000) }),
    internal: () => broken(t),
    'upstream-refused': () => refused('Something went bump in the night', usage),
    'upstream-bad-response': () => {
      control.fault({ kind: 'html-200' })
      return usage()
    },
    'upstream-unreachable': () => another({ UPSTREAM_URL: 'http://127.0.0.1:1/' }, other => other.get('/plans')),
    'upstream-storage-error': () => refused('s3/get_buckets: Load bucket error: ...', () => get(`${account}/buckets`)),
    'account-state-unknown': () => {
      control.set({ accountLag: 100 })
      return post('/accounts', { planId: 1, bucketName: 'other-bucket' })
    },
    'upstream-throttled': () => {
      control.fault({ kind: 'throttled' })
      return usage()
    },
    'upstream-timeout': () => {
      control.fault({ kind: 'hang' })
      return usage()
    }
  }

  t.strictSame(
    [...Object.keys(provocations), ...Object.keys(elsewhere)].sort(),
    [...problemNames].sort(),
    'each name is either provoked here or excused, once'
  )

  for (const name of problemNames.filter(name => provocations[name])) {
    t.test(`${problems[name].status} ${name}`, async t => {
      control.reset()
      const reply = await provocations[name]?.()
      t.ok(reply)
      if (!reply) return
      fails(t, reply, problems[name].status, name)
      t.match(reply.json().detail, /\S/)
      t.type(reply.json().retryable, 'boolean')
      t.equal(reply.headers['retry-after'] !== undefined, /throttled|rate-limited/.test(name), 'Retry-After')
      t.equal(reply.headers['www-authenticate'] !== undefined, problems[name].status === 401, 'WWW-Authenticate')
      t.equal(reply.headers['allow'] !== undefined, problems[name].status === 405, 'Allow')
    })
  }
})

/** A handler of ours that fails in a way that nobody foresaw. */
const broken = async (t: { after(end: () => Promise<void>): unknown }): Promise<Reply> => {
  const app = fastify()
  t.after(() => app.close())
  await app.register(measure, { metrics: createMetrics() })
  await app.register(errors, { publicUrl: 'http://gateway' })
  app.get('/', async (_request, reply) => {
    reply.header('x-request-id', _request.id)
    throw new Error('SELECT password FROM customers')
  })
  const answer = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }))
  const text = await answer.text()
  return { statusCode: answer.status, headers: Object.fromEntries(answer.headers), text, json: () => JSON.parse(text) }
}

t.test('500 internal tells the caller nothing but the id of the request', async t => {
  const reply = await broken(t)
  t.strictSame(reply.json(), {
    type: 'http://gateway/problems/internal',
    title: 'Something went wrong in the gateway',
    status: 500,
    detail: 'Something went wrong in the gateway.',
    instance: reply.headers['x-request-id'],
    retryable: false
  })
})

t.test('GET /problems/:name', async t => {
  const { get } = await gateway(t)

  for (const name of problemNames) {
    t.test(`200 for ${name}: a page that says what it means and what to do`, async t => {
      const reply = await get(`/problems/${name}`, { token: null })
      t.equal(reply.statusCode, 200)
      t.equal(reply.headers['content-type'], 'text/html; charset=utf-8')
      t.match(reply.text, /^<!doctype html>/)
      t.ok(reply.text.includes(`<code>${name}</code>, HTTP status ${problems[name].status}`))
      t.notMatch(reply.text, /<(script|style|link)|undefined|\[object|`/)
    })
  }

  t.test('404 route-not-found when there is no such problem', async t => {
    for (const name of ['nothing', 'constructor', 'to-string', '-']) {
      fails(t, await get(`/problems/${name}`), 404, 'route-not-found')
    }
  })

  t.test('400 invalid-request when it is no name', async t => {
    for (const name of ['__proto__', 'A', 'x'.repeat(65), '%3Cscript%3E']) {
      fails(t, await get(`/problems/${name}`), 400, 'invalid-request')
    }
  })
})
