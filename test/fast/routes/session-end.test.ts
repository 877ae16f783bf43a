import t from 'tap'
import { MAX_IN_FLIGHT } from '../../../src/http/plugins/in-flight.ts'
import { fails } from '../../support/assert/expect.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** `Set-Cookie` that clears the cookie: the same flags, and an expiry in the past. */
const CLEARED =
  /^__Host-Http-session=; (Max-Age=0; )?Path=\/;( Expires=Thu, 01 Jan 1970 00:00:00 GMT;)? HttpOnly; Secure; SameSite=Strict$/

t.test('GET /session', async t => {
  const running = await gateway(t)
  const { get, sandbox } = running
  const { demo, control } = sandbox

  t.test('200 with a cookie, without calling HOSTKEY', async t => {
    const browser = createBrowser(running)
    const loggedIn = (await browser.logIn({ apiKey: demo.apiKey })).json()
    control.clearCalls()
    const reply = await browser.get('/session')
    t.equal(reply.statusCode, 200)
    t.strictSame(reply.json(), loggedIn)
    t.same(control.calls(), [])
  })

  t.test('200 with a token', async t => {
    const reply = await get('/session')
    t.match(reply.json(), { customerId: 1002, email: demo.email, role: 'Customer' })
    t.notOk(reply.json().scopes.includes('admin'))
    const admin = await get('/session', { token: control.tokenOf('admin') })
    t.ok(admin.json().scopes.includes('admin'))
  })

  t.test('401 invalid-token when the token is unknown', async t => {
    fails(t, await get('/session', { token: 'f'.repeat(32) }), 401, 'invalid-token')
  })

  t.test('503 upstream-unavailable while HOSTKEY does not say whose token it is', async t => {
    control.fault({ kind: 'html-503', action: 'info', count: 1 })
    fails(t, await get('/session', { token: control.tokenOf('other') }), 503, 'upstream-unavailable')
    t.equal((await get('/session', { token: control.tokenOf('other') })).statusCode, 200, 'the failure is not cached')
  })
})

t.test('DELETE /session', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '500' })
  const { sandbox, del, audited } = running
  const { demo, control } = sandbox

  t.test('204 ends the session, clears the cookie and revokes the token', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    const cookie = browser.cookie()
    const alive = control.state().sessions.length
    const reply = await browser.logOut()
    t.equal(reply.statusCode, 204)
    t.match(reply.headers['set-cookie'], CLEARED)
    t.ok(await eventually(() => control.state().sessions.length === alive - 1))
    const replayed = await createBrowser(running, cookie).get('/accounts')
    fails(t, replayed, 401, 'session-expired')
    t.match(replayed.headers['set-cookie'], CLEARED)
  })

  t.test('204 when the session has ended already, and without a session', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    const cookie = browser.cookie()
    await browser.logOut()
    for (const shown of [cookie, 'garbage', undefined]) {
      const reply = await createBrowser(running, shown).logOut()
      t.equal(reply.statusCode, 204)
      t.match(reply.headers['set-cookie'], CLEARED)
    }
    t.equal((await del('/session', { token: null })).statusCode, 204, 'without X-CSRF when there is no cookie')
  })

  t.test('204 at once while HOSTKEY does not answer; the token is revoked later', async t => {
    for (const kind of ['hang', 'html-503', 'reset-before'] as const) {
      const browser = createBrowser(running)
      await browser.logIn({ apiKey: demo.apiKey })
      const cookie = browser.cookie()
      const alive = control.state().sessions.length
      control.fault({ kind, action: 'logout', count: 1 })
      t.equal((await browser.logOut()).statusCode, 204, kind)
      t.equal(control.state().sessions.length, alive, 'the logout does not wait for HOSTKEY')
      fails(t, await createBrowser(running, cookie).get('/accounts'), 401, 'session-expired')
      t.ok(await eventually(() => control.state().sessions.length === alive - 1), `${kind}: the token is revoked`)
    }
  })

  t.test('a token that has expired at HOSTKEY is revoked once, without a retry', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    control.expireSessions()
    control.clearCalls()
    await browser.logOut()
    const other = createBrowser(running)
    await other.logIn({ apiKey: demo.apiKey })
    await other.logOut()
    // Tokens are revoked one after the other: after the second one, the first is not tried again.
    t.ok(await eventually(() => control.counters()['logout'] === 2))
    t.equal(control.state().sessions.length, 0)
  })

  t.test('403 csrf-rejected when a foreign page would log the browser out', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    for (const headers of [{ 'x-csrf': '' }, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      fails(t, await browser.del('/session', { headers }), 403, 'csrf-rejected')
    }
    t.equal((await browser.get('/session')).statusCode, 200)
  })

  t.test('a logout is in the audit log, with the customer', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    const before = audited().length
    await browser.logOut()
    await browser.logOut()
    t.match(audited().slice(before), [{ event: 'logout', outcome: 'ok', customerId: 1002, requestId: String }])
    t.equal(audited().length, before + 1)
  })
})

t.test('a request in flight does not bring back a session that has logged out', async t => {
  const running = await gateway(t)
  const { control, demo } = running.sandbox
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: demo.apiKey })
  const cookie = browser.cookie()
  control.fault({ kind: 'latency', action: 'get_users', ms: 300, count: MAX_IN_FLIGHT })
  const inFlight = Array.from({ length: MAX_IN_FLIGHT }, (_, n) =>
    // Different queries: identical ones would share one call.
    createBrowser(running, cookie).get(`/accounts?limit=${n + 1}`)
  )
  t.ok(await eventually(() => control.counters()['get_users'] === MAX_IN_FLIGHT))
  t.equal((await browser.logOut()).statusCode, 204)
  await Promise.all(inFlight)
  control.clearCalls()
  const replays = await Promise.all(Array.from({ length: 100 }, () => createBrowser(running, cookie).get('/accounts')))
  t.same([...new Set(replays.map(({ statusCode }) => statusCode))], [401])
  t.equal(control.counters()['get_users'], undefined)
})

t.test('401 session-expired when the token has expired at HOSTKEY', async t => {
  const running = await gateway(t)
  const { control, demo } = running.sandbox
  for (const authFailure of ['invalid-hash', 'code-2', 'code-1', 'http-401'] as const) {
    control.setBehaviours({ authFailure })
    for (const write of [false, true]) {
      const browser = createBrowser(running)
      await browser.logIn({ apiKey: demo.apiKey })
      const cookie = browser.cookie()
      control.expireSessions()
      const reply = write
        ? await browser.post('/accounts/s3_user_1/buckets', { name: 'photos' })
        : await browser.get('/accounts')
      fails(t, reply, 401, 'session-expired', write ? { outcome: 'not-applied' } : {})
      t.match(reply.headers['set-cookie'], CLEARED, authFailure)
      t.ok(reply.headers['www-authenticate'])
      control.clearCalls()
      fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
      t.same(control.calls(), [], 'the record is removed')
    }
  }

  t.test('403 forbidden, and the session lives on, when HOSTKEY answers `Permission denied`', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    control.fault({ kind: 'refusal', action: 'get_users', text: 'Permission denied', count: 1 })
    fails(t, await browser.get('/accounts'), 403, 'forbidden')
    t.equal((await browser.get('/accounts')).statusCode, 200)
  })
})

t.test('DELETE /sessions', async t => {
  const running = await gateway(t)
  const { control, demo } = running.sandbox
  const other = createBrowser(running)
  await other.logIn({ apiKey: control.customer('other').apiKeys[0]?.key })

  t.test('204 ends every session of the customer, and no other', async t => {
    const mine = Array.from({ length: 3 }, () => createBrowser(running))
    for (const browser of mine) await browser.logIn({ apiKey: demo.apiKey })
    const cookies = mine.map(browser => browser.cookie())
    control.clearCalls()
    const reply = await mine[0]?.del('/sessions')
    t.equal(reply?.statusCode, 204)
    t.match(reply?.headers['set-cookie'], CLEARED)
    for (const cookie of cookies) fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
    t.equal((await other.get('/session')).statusCode, 200)
    t.ok(await eventually(() => control.counters()['logout'] === 1), 'the token of the current session is revoked')
  })

  t.test('204 with a token, which stays valid', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    t.equal((await running.del('/sessions')).statusCode, 204)
    fails(t, await browser.get('/session'), 401, 'session-expired')
    t.equal((await running.get('/accounts')).statusCode, 200)
  })

  t.test('is in the audit log', async t => {
    await running.del('/sessions', { headers: { 'x-request-id': 'end-all' } })
    t.ok(await eventually(() => running.audited().some(({ requestId }) => requestId === 'end-all')))
    t.match(running.audited().at(-1), {
      event: 'sessions.end',
      outcome: 'ok',
      authScheme: 'bearer',
      requestId: 'end-all'
    })
  })
})
