import t, { type Test } from 'tap'
import { referenceOf } from '../../../src/upstream/protocol/explained.ts'
import { fails } from '../../support/assert/expect.ts'
import { fakeUpstream } from '../../support/fakes/upstream.ts'
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
  'files:download',
  'files:upload',
  'keys:read',
  'orders:write',
  'plans:read'
]

t.test('POST /session', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '500' })
  const { control, demo } = running.sandbox
  const { email, password } = demo
  const credentials = {
    apiKey: { apiKey: demo.apiKey },
    'email and password': { email, password },
    token: { token: demo.token }
  }
  t.beforeEach(() => control.clearCalls())

  const refused = async (t: Test, credential: object, status: number, problem: string) => {
    const browser = createBrowser(running)
    const reply = await browser.logIn(credential)
    t.equal(reply.statusCode, status, reply.text)
    t.match(reply.json(), { type: new RegExp(`/problems/${problem}$`), status, outcome: 'not-applied' })
    t.equal(browser.cookie(), undefined)
    t.equal(reply.headers['www-authenticate'] !== undefined, status === 401)
    return reply
  }

  for (const [kind, credential] of Object.entries(credentials)) {
    t.test(`201 with ${kind}`, async t => {
      const browser = createBrowser(running)
      const reply = await browser.logIn(credential)
      t.equal(reply.statusCode, 201, reply.text)
      const { expiresAt, ...rest } = reply.json()
      t.strictSame(rest, { customerId: 1002, email, role: rest.role, scopes: CUSTOMER_SCOPES })
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

  t.test('201 by password for a customer whose API keys cannot log in', async t => {
    const { email, password } = control.customer('storage-only')
    t.equal((await createBrowser(running).logIn({ email, password })).statusCode, 201)
  })

  t.test('201 with a new session; the previous one of the browser ends, and its token is revoked', async t => {
    const browser = createBrowser(running)
    await browser.logIn(credentials.apiKey)
    const first = browser.cookie()
    control.clearCalls()
    await browser.logIn(credentials.apiKey)
    t.not(browser.cookie(), first)
    t.equal((await browser.get('/accounts')).statusCode, 200)
    t.match((await createBrowser(running, first).get('/accounts')).json(), { type: /session-expired$/ })
    t.ok(await eventually(() => control.counters()['logout'] === 1))
  })

  t.test('201 with the token of the previous session: it is not revoked', async t => {
    const browser = createBrowser(running)
    await browser.logIn(credentials.token)
    await browser.logIn(credentials.token)
    t.equal((await browser.get('/accounts')).statusCode, 200)
    t.equal(control.counters()['logout'], undefined)
  })

  t.test('400 invalid-request when the body does not have exactly one valid credential', async t => {
    const { apiKey, token } = demo
    for (const body of [
      {},
      [],
      { email },
      { password },
      { apiKey, token },
      { apiKey, email, password },
      { token, email },
      { apiKey: 7 },
      { apiKey, code: '1' },
      { apiKey: 'a b' },
      { token: '' }
    ]) {
      const reply = await createBrowser(running).logIn(body)
      t.match(reply.json(), { type: /invalid-request$/, status: 400, outcome: 'not-applied' }, Object.keys(body).join())
    }
    t.same(control.calls(), [])
  })

  t.test('401 invalid-credentials when the API key or the password is wrong', async t => {
    for (const credential of [
      { apiKey: 'nonsense' },
      { apiKey: '0123456789abcdef-0123456789abcdef' },
      { email, password: 'wrong password' }
    ]) {
      await refused(t, credential, 401, 'invalid-credentials')
    }
  })

  t.test('401 invalid-token when the token is unknown', t =>
    refused(t, { token: 'f'.repeat(32) }, 401, 'invalid-token')
  )

  t.test('403 csrf-rejected when a page of another origin logs in', async t => {
    for (const headers of [{ 'x-csrf': '' }, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const reply = await createBrowser(running).logIn(credentials.apiKey, { headers })
      t.match(reply.json(), { type: /csrf-rejected$/, status: 403 }, JSON.stringify(headers))
      t.equal(reply.headers['set-cookie'], undefined)
    }
    t.same(control.calls(), [])
  })

  t.test('403 api-key-login-unavailable when the customer has no servers', t =>
    refused(t, { apiKey: control.customer('storage-only').apiKeys[0]?.key }, 403, 'api-key-login-unavailable')
  )

  t.test('403 forbidden when the API key is not valid for this address', async t => {
    const [key] = control.customer('other').apiKeys
    key?.ipAcl.push('203.0.113.0/24')
    await refused(t, { apiKey: key?.key }, 403, 'forbidden')
  })

  t.test('403 two-factor-required when HOSTKEY requires a second factor', async t => {
    const { email, password } = control.customer('two-factor')
    const reply = await refused(t, { email, password }, 403, 'two-factor-required')
    t.equal(reply.json().detail, 'HOSTKEY waits for the second factor.')
  })

  t.test('403 two-factor-required for each operation that identifies a token without its second factor', async t => {
    control.setBehaviours({ pendingInfo: 'answered' })
    const { email, password } = control.customer('two-factor')
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
  })

  t.test('502 upstream-refused without the credential that HOSTKEY quotes', async t => {
    for (const [action, secret, credential] of [
      ['login', demo.apiKey, credentials.apiKey],
      ['whmcslogin', password, credentials['email and password']],
      ['info', demo.token, credentials.token]
    ] as const) {
      control.fault({ kind: 'refusal', action, text: `Come back on Monday, ${secret}!`, count: 1 })
      const reply = await refused(t, credential, 502, 'upstream-refused')
      t.strictSame(reply.json().upstream, { action, reference: referenceOf('Come back on Monday, [redacted]!') })
    }
  })

  t.test('503 upstream-unavailable, not 401, when HOSTKEY does not answer; the login is sent once', async t => {
    for (const [kind, action, credential] of [
      ['hang', 'login', credentials.apiKey],
      ['html-503', 'whmcslogin', credentials['email and password']],
      ['truncated', 'info', credentials.token]
    ] as const) {
      control.fault({ kind, action, count: 1 })
      const reply = await refused(t, credential, 503, 'upstream-unavailable')
      t.match(reply.headers['retry-after'], /^[1-9]\d*$/, `${kind} of ${action}`)
      t.equal(reply.json().retryable, true)
      t.equal(control.counters()[action], 1)
    }
  })
})

t.test('POST /session when the login returns only a token and its expiry', async t => {
  const TOKEN = '0123456789abcdef0123456789abcdef'
  const asked: string[] = []
  let info: object | undefined = { token: TOKEN, customer_id: 7, role_type: 'Customer', token_expire: 1 }
  const expiresAt = Math.floor(Date.now() / 1000) + 3600
  const { url } = await fakeUpstream(t, sent => {
    asked.push(`${sent['action']} ${sent['token'] ?? ''}`)
    return sent['action'] === 'login' ? { token: TOKEN, token_expire: expiresAt } : info
  })
  const running = await gateway(t, { UPSTREAM_URL: url })
  const { lines } = running
  const logIn = () => createBrowser(running).logIn({ apiKey: '0123456789abcdef-0123456789abcdef' })

  t.test('201 with the identity from info and the expiry from login', async t => {
    const { statusCode, text, json } = await logIn()
    t.equal(statusCode, 201, text)
    t.match(json(), { customerId: 7, role: 'Customer' })
    t.equal(Date.parse(json().expiresAt), expiresAt * 1000)
    t.strictSame(asked, ['login ', `info ${TOKEN}`])
    t.ok(await eventually(() => lines.some(line => line.includes('"upstreamCalls":2'))), 'both calls are in the log')
  })

  t.test('503 upstream-unavailable when info does not answer; the token is revoked', async t => {
    info = undefined
    fails(t, await logIn(), 503, 'upstream-unavailable')
    t.ok(await eventually(() => asked.includes(`logout ${TOKEN}`)))
  })
})
