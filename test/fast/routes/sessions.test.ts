import t, { type Test } from 'tap'
import type { Fault } from '../../../src/sandbox/index.ts'
import { fails } from '../../support/assert/expect.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

const COOKIE =
  /^__Host-Http-session=[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}; Max-Age=(\d+); Path=\/; HttpOnly; Secure; SameSite=Strict$/

const CUSTOMER_SCOPES = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:read',
  'buckets:write',
  'files:read',
  'files:delete',
  'keys:read',
  'orders:write',
  'plans:read'
]

t.test('POST /session', async t => {
  const running = await gateway(t)
  const { sandbox, post, audited } = running
  const { demo } = sandbox
  const credentials = {
    apiKey: { apiKey: demo.apiKey },
    'email and password': { email: demo.email, password: demo.password },
    token: { token: demo.token }
  }

  for (const [kind, credential] of Object.entries(credentials)) {
    t.test(`201 logs in with ${kind}`, async t => {
      sandbox.control.clearCalls()
      const browser = createBrowser(running)
      const reply = await browser.logIn(credential)
      t.equal(reply.statusCode, 201, reply.text)
      const { expiresAt, ...rest } = reply.json()
      t.strictSame(rest, { customerId: 1002, email: demo.email, role: rest.role, scopes: CUSTOMER_SCOPES })
      t.match(rest.role, /^Customer/)
      const [, maxAge = ''] = COOKIE.exec(reply.headers['set-cookie'] ?? '') ?? []
      t.ok(Number(maxAge) > 8 * 3600 - 60 && Number(maxAge) <= 8 * 3600, `Max-Age ${maxAge}`)
      t.ok(
        Math.abs(Date.parse(expiresAt) - Date.now() - Number(maxAge) * 1000) < 5000,
        'the cookie ends with the session'
      )
      t.equal(reply.headers['cache-control'], 'no-store')
      t.equal((await browser.get('/accounts')).statusCode, 200)
    })
  }

  t.test('asks HOSTKEY for a token with an explicit time to live, not bound to an address', async t => {
    for (const [credential, action] of [
      [credentials.apiKey, 'login'],
      [credentials['email and password'], 'whmcslogin']
    ] as const) {
      sandbox.control.clearCalls()
      await createBrowser(running).logIn(credential)
      const [call, ...others] = sandbox.control.calls()
      t.match(call, { action, script: 'auth.php', fields: { ttl: '28800', fix_ip: '0' } })
      t.equal(others.length, 0)
    }
  })

  t.test('201 with every scope for an administrator of HOSTKEY', async t => {
    const reply = await createBrowser(running).logIn({ token: sandbox.control.tokenOf('admin') })
    t.ok(reply.json().scopes.includes('admin'), reply.text)
  })

  t.test('201 for each form of HOSTKEY’s answer', async t => {
    for (const loginShape of ['nested', 'flat', 'flatWithResult0'] as const) {
      sandbox.control.setBehaviours({ loginShape })
      const browser = createBrowser(running)
      t.equal((await browser.logIn(credentials.apiKey)).statusCode, 201, loginShape)
      t.equal((await browser.get('/session')).json().customerId, 1002, loginShape)
    }
    sandbox.control.setBehaviours({ loginShape: 'nested' })
  })

  t.test('every login creates a new session and ends the previous one', async t => {
    const browser = createBrowser(running)
    await browser.logIn(credentials.apiKey)
    const first = browser.cookie()
    sandbox.control.clearCalls()
    await browser.logIn(credentials.apiKey)
    t.not(browser.cookie(), first)
    t.equal((await browser.get('/accounts')).statusCode, 200)
    t.match((await createBrowser(running, first).get('/accounts')).json(), { type: /session-expired$/ })
    t.ok(await eventually(() => sandbox.control.counters()['logout'] === 1), 'its token is revoked')
  })

  t.test('a second login with the same token does not revoke it', async t => {
    const browser = createBrowser(running)
    await browser.logIn(credentials.token)
    sandbox.control.clearCalls()
    await browser.logIn(credentials.token)
    t.equal((await browser.get('/accounts')).statusCode, 200)
    t.equal(sandbox.control.counters()['logout'], undefined)
  })

  t.test('400 invalid-request unless the body holds exactly one credential', async t => {
    const { apiKey, email, password, token } = demo
    sandbox.control.clearCalls()
    for (const body of [
      {},
      { email },
      { password },
      { apiKey, token },
      { apiKey, email, password },
      { token, email },
      []
    ]) {
      const reply = await createBrowser(running).logIn(body)
      t.match(reply.json(), { type: /invalid-request$/, status: 400, outcome: 'not-applied' }, Object.keys(body).join())
    }
    for (const body of [{ apiKey: 7 }, { apiKey, code: '1' }, { apiKey: 'a b' }, { token: '' }]) {
      t.equal((await createBrowser(running).logIn(body)).statusCode, 400)
    }
    t.same(sandbox.control.calls(), [])
  })

  t.test('415 unsupported-media-type when a form is posted', async t => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
      const headers = { 'content-type': type, 'x-csrf': '1' }
      const reply = await post('/session', `{"apiKey":"${demo.apiKey}"}`, { token: null, headers })
      t.match(reply.json(), { type: /unsupported-media-type$/, status: 415 }, type)
    }
  })

  t.test('403 csrf-rejected when a foreign page would log the browser in', async t => {
    sandbox.control.clearCalls()
    for (const headers of [{ 'x-csrf': '' }, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const reply = await createBrowser(running).logIn(credentials.apiKey, { headers })
      t.match(reply.json(), { type: /csrf-rejected$/, status: 403 }, JSON.stringify(headers))
      t.equal(reply.headers['set-cookie'], undefined)
    }
    t.same(sandbox.control.calls(), [])
  })

  t.test('every login is in the audit log, also a refused one', async t => {
    const before = audited().length
    await createBrowser(running).logIn(credentials.apiKey, { headers: { 'x-request-id': 'login-1' } })
    await createBrowser(running).logIn({ apiKey: 'wrong' }, { headers: { 'x-request-id': 'login-2' } })
    t.match(audited().slice(before), [
      { log: 'audit', event: 'login', outcome: 'ok', requestId: 'login-1', customerId: 1002, ip: '127.0.0.1' },
      { log: 'audit', event: 'login', outcome: 'invalid-credentials', requestId: 'login-2', ip: '127.0.0.1' }
    ])
  })
})

/** Fewer failures than open a circuit breaker. */
const FEW_FAILURES = 4

t.test('POST /session, refused', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '300' })
  const { control, demo } = running.sandbox
  const { email, password } = control.customer('two-factor')
  const key = control.customer('storage-only').apiKeys[0]?.key

  const refused = async (t: Test, credential: object, status: number, problem: string, at = running) => {
    const browser = createBrowser(at)
    const reply = await browser.logIn(credential)
    t.equal(reply.statusCode, status, reply.text)
    t.match(reply.json(), { type: new RegExp(`/problems/${problem}$`), status, outcome: 'not-applied' })
    t.equal(browser.cookie(), undefined)
    t.equal(reply.headers['www-authenticate'] !== undefined, status === 401)
    return reply
  }

  t.test('401 invalid-credentials when the API key is malformed', t =>
    refused(t, { apiKey: 'nonsense' }, 401, 'invalid-credentials')
  )
  t.test('401 invalid-credentials when the API key is unknown', t =>
    refused(t, { apiKey: '0123456789abcdef-0123456789abcdef' }, 401, 'invalid-credentials')
  )
  t.test('401 invalid-credentials when the password is wrong', t =>
    refused(t, { email: demo.email, password: 'wrong password' }, 401, 'invalid-credentials')
  )
  t.test('401 invalid-token when the token is unknown', t =>
    refused(t, { token: 'f'.repeat(32) }, 401, 'invalid-token')
  )
  t.test('403 api-key-login-unavailable when the customer has no servers', t =>
    refused(t, { apiKey: key }, 403, 'api-key-login-unavailable')
  )
  t.test('201 for that customer with the password', async t => {
    const { email, password } = control.customer('storage-only')
    t.equal((await createBrowser(running).logIn({ email, password })).statusCode, 201)
  })
  t.test('403 two-factor-required when HOSTKEY requires a second factor', async t => {
    const reply = await refused(t, { email, password }, 403, 'two-factor-required')
    t.equal(reply.json().detail, 'HOSTKEY waits for the second factor.')
  })
  t.test(
    '403 two-factor-required when the identity is looked up of a token that waits for its second factor',
    async t => {
      control.setBehaviours({ pendingInfo: 'answered' })
      const body = new URLSearchParams({ action: 'whmcslogin', user: email, password })
      const granted = await fetch(`${running.sandbox.url}auth.php`, { method: 'POST', body })
      const { result } = (await granted.json()) as { result: { token: string } }
      for (const [method, path] of [
        ['GET', '/session'],
        ['DELETE', '/sessions'],
        ['GET', '/accounts?customerId=1004'],
        ['GET', '/orders/5f0c2f4e-7d4b-4a51-8a36-0d9a7d2f9b11']
      ] as const) {
        fails(t, await running.send(method, path, { token: result.token }), 403, 'two-factor-required')
      }
    }
  )
  t.test('403 forbidden when the API key is not valid for this address', async t => {
    control.customer('other').apiKeys[0]?.ipAcl.push('203.0.113.0/24')
    await refused(t, { apiKey: control.customer('other').apiKeys[0]?.key }, 403, 'forbidden')
  })
  t.test('401 invalid-credentials when HOSTKEY reports an invalid token, although none was sent', async t => {
    for (const authFailure of ['invalid-hash', 'code-2', 'code-1', 'http-401'] as const) {
      control.setBehaviours({ authFailure })
      control.fault({ kind: 'auth-failure', action: 'login', count: 1 })
      await refused(t, { apiKey: demo.apiKey }, 401, 'invalid-credentials')
    }
  })

  const faults: Fault['kind'][] = [
    'hang',
    'reset-before',
    'empty-500',
    'html-502',
    'html-503',
    'throttled',
    'empty-200',
    'html-200',
    'redirect',
    'reset-mid-body',
    'stall-mid-body',
    'truncated',
    'oversized'
  ]
  t.test('503 upstream-unavailable, and never 401, while HOSTKEY does not answer', async t => {
    const cases = [
      ...faults.map(kind => ({ kind, action: 'login', credential: { apiKey: demo.apiKey } })),
      { kind: 'html-503', action: 'whmcslogin', credential: { email: demo.email, password: demo.password } },
      { kind: 'html-503', action: 'info', credential: { token: demo.token } }
    ] as const
    // A new gateway for every four cases: otherwise its circuit breaker would answer.
    for (let at = 0; at < cases.length; at += FEW_FAILURES) {
      const fresh = await gateway(t, { UPSTREAM_TIMEOUT_MS: '300' }, { sandbox: running.sandbox })
      for (const { kind, action, credential } of cases.slice(at, at + FEW_FAILURES)) {
        control.clearCalls()
        control.fault({ kind, action, count: 1 })
        const reply = await refused(t, credential, 503, 'upstream-unavailable', fresh)
        t.match(reply.headers['retry-after'], /^[1-9]\d*$/, `${kind} of ${action}`)
        t.equal(reply.json().retryable, true)
        t.equal(control.counters()[action], 1, `${action} was called`)
        control.clearFaults()
      }
    }
  })

  t.test('502 upstream-refused without the credential that HOSTKEY quotes', async t => {
    for (const [action, secret, credential] of [
      ['login', demo.apiKey, { apiKey: demo.apiKey }],
      ['whmcslogin', demo.password, { email: demo.email, password: demo.password }],
      ['info', demo.token, { token: demo.token }]
    ] as const) {
      control.fault({ kind: 'refusal', action, text: `Come back on Monday, ${secret}!`, count: 1 })
      const reply = await refused(t, credential, 502, 'upstream-refused')
      t.equal(reply.json().upstream.message, 'Come back on Monday, [redacted]!')
    }
  })
})

t.test('503 upstream-unavailable at login when HOSTKEY cannot be connected to', async t => {
  const running = await gateway(t, { UPSTREAM_URL: 'http://127.0.0.1:9/' })
  const reply = await createBrowser(running).logIn({ apiKey: '0123456789abcdef-0123456789abcdef' })
  t.match(reply.json(), { type: /upstream-unavailable$/, status: 503, retryable: true })
  t.ok(reply.headers['retry-after'])
})
