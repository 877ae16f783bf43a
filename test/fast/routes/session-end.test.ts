import t from 'tap'
import { MAX_IN_FLIGHT } from '../../../src/upstream/resilience/fair-queue.ts'
import { fails } from '../../support/assert/expect.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** `Set-Cookie` that clears the cookie: the same flags, and an expiry in the past. */
const CLEARED =
  /^__Host-Http-session=; (Max-Age=0; )?Path=\/;( Expires=Thu, 01 Jan 1970 00:00:00 GMT;)? HttpOnly; Secure; SameSite=Strict$/

t.test('sessions', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '500' })
  const { get, del, sandbox } = running
  const { demo, control } = sandbox
  const loggedIn = async () => {
    const browser = createBrowser(running)
    const reply = await browser.logIn({ apiKey: demo.apiKey })
    return Object.assign(browser, { body: reply.json() })
  }
  t.beforeEach(() => control.clearFaults())

  t.test('GET /session', async t => {
    t.test('200 with a cookie, without a call to HOSTKEY', async t => {
      const browser = await loggedIn()
      control.clearCalls()
      const reply = await browser.get('/session')
      t.equal(reply.statusCode, 200)
      t.strictSame(reply.json(), browser.body)
      t.same(control.calls(), [])
    })

    t.test('200 with a token, with the scope admin for an administrator only', async t => {
      const reply = await get('/session')
      t.match(reply.json(), { customerId: 1002, email: demo.email, role: 'Customer' })
      t.notOk(reply.json().scopes.includes('admin'))
      const admin = await get('/session', { token: control.tokenOf('admin') })
      t.ok(admin.json().scopes.includes('admin'))
    })

    t.test('401 invalid-token when the token is unknown', async t => {
      fails(t, await get('/session', { token: 'f'.repeat(32) }), 401, 'invalid-token')
    })

    t.test('503 upstream-unavailable when HOSTKEY does not identify the token; the failure is not cached', async t => {
      const token = control.tokenOf('other')
      control.fault({ kind: 'html-503', action: 'info', count: 1 })
      fails(t, await get('/session', { token }), 503, 'upstream-unavailable')
      t.equal((await get('/session', { token })).statusCode, 200)
    })
  })

  t.test('DELETE /session', async t => {
    t.test('204 ends the session, clears the cookie and revokes the token', async t => {
      const browser = await loggedIn()
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

    t.test('204 when the session has ended already, and without a session; the audit log has one logout', async t => {
      const browser = await loggedIn()
      const cookie = browser.cookie()
      const before = running.auditRecords().length
      await browser.logOut()
      for (const shown of [cookie, 'garbage', undefined]) {
        const reply = await createBrowser(running, shown).logOut()
        t.equal(reply.statusCode, 204)
        t.match(reply.headers['set-cookie'], CLEARED)
      }
      t.equal((await del('/session', { token: null })).statusCode, 204, 'without X-CSRF when there is no cookie')
      // `token.revoked` follows from the background.
      const logouts = running
        .auditRecords()
        .slice(before)
        .filter(({ event }) => event !== 'token.revoked')
      t.match(logouts, [{ event: 'logout', outcome: 'ok', customerId: 1002 }])
      t.equal(logouts.length, 1)
    })

    t.test('204 at once while HOSTKEY does not answer; the token is revoked later', async t => {
      const browser = await loggedIn()
      const cookie = browser.cookie()
      const alive = control.state().sessions.length
      control.fault({ kind: 'hang', action: 'logout', count: 1 })
      t.equal((await browser.logOut()).statusCode, 204)
      t.equal(control.state().sessions.length, alive, 'the logout does not wait for HOSTKEY')
      fails(t, await createBrowser(running, cookie).get('/accounts'), 401, 'session-expired')
      t.ok(await eventually(() => control.state().sessions.length === alive - 1), 'the token is revoked')
    })

    t.test('403 csrf-rejected when a page of another origin logs out', async t => {
      const browser = await loggedIn()
      for (const headers of [
        { 'x-csrf': '' },
        { origin: 'https://evil.example' },
        { 'sec-fetch-site': 'cross-site' }
      ]) {
        fails(t, await browser.del('/session', { headers }), 403, 'csrf-rejected')
      }
      t.equal((await browser.get('/session')).statusCode, 200)
    })
  })

  t.test('DELETE /sessions', async t => {
    t.test('204 ends every session of the customer, and no other', async t => {
      const other = createBrowser(running)
      await other.logIn({ apiKey: control.customer('other').apiKeys[0]?.key })
      const [mine, ...others] = [await loggedIn(), await loggedIn(), await loggedIn()]
      const cookies = [mine, ...others].map(browser => browser?.cookie())
      control.clearCalls()
      const reply = await mine?.del('/sessions')
      t.equal(reply?.statusCode, 204)
      t.match(reply?.headers['set-cookie'], CLEARED)
      for (const cookie of cookies)
        fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
      t.equal((await other.get('/session')).statusCode, 200)
      t.ok(await eventually(() => control.counters()['logout'] === 1), 'the token of the current session is revoked')
    })

    t.test('204 with a token, which stays valid', async t => {
      const browser = await loggedIn()
      t.equal((await del('/sessions')).statusCode, 204)
      fails(t, await browser.get('/session'), 401, 'session-expired')
      t.equal((await get('/accounts')).statusCode, 200)
    })
  })

  t.test('a request in flight does not restore a session that has ended', async t => {
    const browser = await loggedIn()
    const cookie = browser.cookie()
    control.clearCalls()
    control.fault({ kind: 'latency', action: 'get_users', ms: 300, count: MAX_IN_FLIGHT })
    const inFlight = Array.from({ length: MAX_IN_FLIGHT }, (_, n) =>
      // Different queries: identical ones would share one call.
      createBrowser(running, cookie).get(`/accounts?limit=${n + 1}`)
    )
    t.ok(await eventually(() => control.counters()['get_users'] === MAX_IN_FLIGHT))
    t.equal((await browser.logOut()).statusCode, 204)
    await Promise.all(inFlight)
    control.clearCalls()
    const replays = await Promise.all(Array.from({ length: 20 }, () => createBrowser(running, cookie).get('/accounts')))
    t.same([...new Set(replays.map(({ statusCode }) => statusCode))], [401])
    t.equal(control.counters()['get_users'], undefined)
  })

  t.test('403 forbidden when HOSTKEY answers `Permission denied`; the session continues', async t => {
    const browser = await loggedIn()
    control.fault({ kind: 'refusal', action: 'get_users', text: 'Permission denied', count: 1 })
    fails(t, await browser.get('/accounts'), 403, 'forbidden')
    t.equal((await browser.get('/accounts')).statusCode, 200)
  })

  // The last two end the token of the other tests.
  t.test('a token that has expired at HOSTKEY is revoked once, without a retry', async t => {
    const browser = await loggedIn()
    control.expireSessions()
    control.clearCalls()
    await browser.logOut()
    await (await loggedIn()).logOut()
    // Tokens are revoked one after the other: after the second one, the first is not tried again.
    t.ok(await eventually(() => control.counters()['logout'] === 2))
    t.equal(control.state().sessions.length, 0)
  })

  t.test('401 session-expired when the token has expired at HOSTKEY; the session is removed', async t => {
    for (const write of [false, true]) {
      const browser = await loggedIn()
      const cookie = browser.cookie()
      control.expireSessions()
      const reply = write
        ? await browser.post('/accounts/s3_user_1/buckets', { name: 'photos' })
        : await browser.get('/accounts')
      fails(t, reply, 401, 'session-expired', write ? { outcome: 'not-applied' } : {})
      t.match(reply.headers['set-cookie'], CLEARED)
      t.ok(reply.headers['www-authenticate'])
      control.clearCalls()
      fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
      t.same(control.calls(), [])
    }
  })
})
