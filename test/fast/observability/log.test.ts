import { request } from 'node:http'
import t, { type Test } from 'tap'
import { eventually } from '../../support/harness/eventually.ts'
import { type Gateway, gateway } from '../../support/harness/gateway.ts'
import { createRawClient } from '../../support/harness/raw.ts'
import { withServices } from '../../support/harness/services.ts'

const FILES = '/accounts/s3_user_1/buckets/logs/files'

/** A gateway, and its log lines of requests. */
const withLog = async <G extends Gateway>(t: Test, opened: Promise<G>) => {
  const running = await opened
  const records = (): Record<string, unknown>[] =>
    running.lines.map(line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  return {
    ...running,
    records,
    /** What one request adds to the log: its lines of requests, and the whole text. */
    async logOf(send: () => Promise<unknown>) {
      running.lines.length = 0
      await send()
      t.ok(await eventually(() => records().length > 0), 'the request is logged')
      return { records: records(), text: running.lines.join('') }
    }
  }
}

t.test('the log has one line for each request', async t => {
  const { get, del, post, send, sandbox, logOf, url } = await withLog(t, gateway(t))

  t.test('with its id, operation, status and durations, and nothing else', async t => {
    const { records } = await logOf(() => get('/accounts/s3_user_1', { headers: { 'x-request-id': 'my.id-1' } }))
    const [{ time, ms, upstreamMs, caller, ...record } = {}, ...others] = records
    t.strictSame(record, {
      level: 'info',
      requestId: 'my.id-1',
      operation: 'getAccount',
      method: 'GET',
      route: '/accounts/:s3uid',
      status: 200,
      upstreamCalls: 1,
      ip: '127.0.0.1',
      msg: 'request'
    })
    t.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    t.match(caller, /^token:[0-9a-f]{16}$/)
    t.ok(Number(upstreamMs) > 0 && Number(ms) >= Number(upstreamMs), `${ms} ms, of which upstream ${upstreamMs}`)
    t.strictSame(others, [])
  })

  t.test('also when the router cannot read the URL', async t => {
    const { records } = await logOf(() => get('/accounts/%zz'))
    t.match(records, [{ operation: 'none', method: 'GET', status: 400, problem: 'malformed-url', requestId: String }])
    t.equal(records.length, 1)
  })

  t.test('with the number and the duration of the calls to HOSTKEY', async t => {
    sandbox.control.fault({ kind: 'latency', ms: 60, count: 1 })
    const { records } = await logOf(() => get(`${FILES}?limit=250`))
    t.hasStrict(records[0], { upstreamCalls: 3, operation: 'listFiles' })
    t.ok(Number(records[0]?.['upstreamMs']) >= 55)
  })

  t.test('with the calls of a login, also of one that fails', async t => {
    const logIn = (body: object) => () => post('/session', body, { token: null, headers: { 'x-csrf': '1' } })
    const { apiKey, token } = sandbox.demo
    const refused = { email: 'nobody@example.com', password: 'wrong' }
    for (const [body, status, upstreamCalls] of [
      [{ apiKey }, 201, 1],
      [{ token }, 201, 1],
      [refused, 401, 1],
      [{}, 400, 0]
    ] as const) {
      const { records } = await logOf(logIn(body))
      t.hasStrict(records[0], { operation: 'createSession', status, upstreamCalls })
      t.equal(Number(records[0]?.['upstreamMs']) > 0, upstreamCalls > 0)
    }
  })

  t.test('with the call that looks up the identity behind a token, for the request that made it', async t => {
    const ask = () => get('/orders/11111111-1111-4111-8111-111111111111')
    for (const upstreamCalls of [1, 0]) {
      const { records } = await logOf(ask)
      t.hasStrict(records[0], { operation: 'getOrder', status: 404, upstreamCalls })
      t.equal(Number(records[0]?.['upstreamMs']) > 0, upstreamCalls > 0)
    }
  })

  t.test('with the problem', async t => {
    for (const [ask, operation, status, problem] of [
      [() => get('/accounts/s3_user_2'), 'getAccount', 404, 'account-not-found'],
      [() => del('/accounts/s3_user_1'), 'deleteAccount', 428, 'confirmation-required'],
      [() => post('/accounts', '{'), 'createAccount', 400, 'invalid-request'],
      [() => get('/accounts', { token: null }), 'listAccounts', 401, 'unauthenticated'],
      [() => get('/nowhere'), 'none', 404, 'route-not-found'],
      [() => send('PUT', '/accounts'), 'none', 405, 'method-not-allowed']
    ] as const) {
      const { records } = await logOf(ask)
      t.equal(records.length, 1)
      t.hasStrict(records[0], { operation, status, problem })
    }
  })

  t.test('also when the caller has disconnected, once the write is done', async t => {
    sandbox.control.fault({ kind: 'latency', ms: 100, action: 'delete_file', count: 1 })
    const { records } = await logOf(async () => {
      const headers = { authorization: `Bearer ${sandbox.demo.token}` }
      const caller = request(`${url}${FILES}?path=access-00001.log.gz`, { method: 'DELETE', headers })
      caller.on('error', () => undefined)
      caller.end()
      t.ok(await eventually(() => sandbox.control.calls().some(({ action }) => action === 'delete_file')))
      caller.destroy()
    })
    t.equal(records.length, 1)
    t.hasStrict(records[0], { operation: 'deleteFile', status: 204, clientAborted: true, upstreamCalls: 1 })
  })
})

t.test('the log contains nothing that a caller sends', async t => {
  const { get, del, post, send, logOf, url } = await withLog(t, gateway(t))
  const canary = 'CANARY-5f0c1d2e3b4a59687768'
  const isAbsent = async (t: Test, send: () => Promise<unknown>) => {
    const { records, text } = await logOf(send)
    t.equal(records.length, 1)
    t.notMatch(text, /canary/i)
  }

  for (const [where, ask] of Object.entries({
    'the credential': () => get('/accounts', { token: canary }),
    'another authentication scheme': () =>
      get('/accounts', { token: null, headers: { authorization: `Basic ${canary}` } }),
    'a cookie': () => get('/accounts', { headers: { cookie: `token=${canary}; __Host-Http-session=${canary}` } }),
    'the query': () => get(`${FILES}?search=${canary}`),
    'an unknown parameter': () => get(`/accounts?${canary}=${canary}`),
    'the path': () => get(`/accounts/${canary}`),
    'a path without a route': () => get(`/${canary}`),
    'the path of a file': () => del(`${FILES}/${canary}`),
    'a body': () => post('/accounts', { planId: 1, bucketName: canary }),
    'an unknown member of a body': () => post('/accounts', { [canary]: canary }),
    'a body that is no JSON': () => post('/accounts', `{"${canary}"`),
    'a header': () => get('/accounts', { headers: { 'x-api-key': canary, 'user-agent': canary, referer: canary } }),
    'the confirmation header': () => del('/accounts/s3_user_1', { headers: { 'confirm-delete': canary } }),
    'an idempotency key': () =>
      post('/orders', { planId: 1, bucketName: 'photos' }, { headers: { 'idempotency-key': canary } }),
    'a method': () => send('SEARCH', `/${canary}`)
  })) {
    t.test(`in ${where}`, t => isAbsent(t, ask))
  }

  t.test('in an invalid request id', async t => {
    for (const id of [`${canary} x`, `${canary}${'x'.repeat(64)}`, `${canary}"`, '<b>canary</b>', '']) {
      const { records, text } = await logOf(() => get('/livez', { headers: { 'x-request-id': id } }))
      t.match(records[0]?.['requestId'], /^[0-9a-f]{8}-[0-9a-f-]{27}$/, 'a generated one')
      t.notMatch(text, /canary/i)
    }
  })

  t.test('in a request that tries to break the lines of the log', async t => {
    const raw = createRawClient(url)
    const { text } = await logOf(async () => {
      await raw.send('GET /accounts/%0d%0a%7B%22canary%22:1%7D?x=%0aCANARY HTTP/1.1', {
        'x-request-id': 'a\u2028canary'
      })
      raw.close()
    })
    t.notMatch(text, /canary/i)
    for (const line of text.split('\n').filter(line => line !== '')) t.doesNotThrow(() => JSON.parse(line), line)
  })
})

t.test('an unknown refusal of HOSTKEY is one log line, without secrets', async t => {
  const { get, sandbox, logOf } = await withLog(t, gateway(t))
  const text = `Odd\r\n{"level":"fatal"}\u2028\u001b[31m ${sandbox.demo.token} password=${sandbox.demo.password}`
  sandbox.control.fault({ kind: 'refusal', text, count: 1 })
  const log = await logOf(() => get('/accounts'))
  const lines = log.text.split('\n').filter(line => line !== '')
  t.equal(lines.length, 2, 'the refusal, and the request')
  for (const line of lines) t.doesNotThrow(() => JSON.parse(line))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested.
  t.notMatch(log.text.replaceAll('\n', ''), /[\u0000-\u001f\u007f\u2028]/)
  t.match(JSON.parse(lines[0] ?? ''), {
    level: 'warn',
    upstreamText: 'Odd {"level":"fatal"} [31m [redacted] password=[redacted]'
  })
})

t.test('a login for a service is counted in the line of the request that started it', async t => {
  const { get, as, lines, records, sandbox } = await withLog(t, withServices(t, { reader: {} }))
  lines.length = 0
  sandbox.control.clearCalls()
  sandbox.control.fault({ kind: 'latency', action: 'login', ms: 200 })
  await Promise.all([1, 2, 3].map(() => get('/accounts/s3_user_1/buckets', as.reader)))
  t.ok(await eventually(() => records().length === 3))
  const calls = records().map(({ upstreamCalls }) => Number(upstreamCalls))
  t.equal(
    calls.reduce((sum, count) => sum + count, 0),
    sandbox.control.calls().length
  )
  t.equal(sandbox.control.counters()['login'], 1)
})
