import t from 'tap'
import { MAX_IN_FLIGHT } from '../../../src/http/plugins/in-flight.ts'
import { fails } from '../../support/assert/expect.ts'
import { createBrowser, forged } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

/** What clears the cookie: its own flags, and an end in the past. */
const CLEARED =
  /^__Host-Http-session=; (Max-Age=0; )?Path=\/;( Expires=Thu, 01 Jan 1970 00:00:00 GMT;)? HttpOnly; Secure; SameSite=Strict$/

t.test('GET /session', async t => {
  const running = await gateway(t)
  const { get, sandbox } = running
  const { demo, control } = sandbox

  t.test('200 says by cookie who the caller is, without asking HOSTKEY', async t => {
    const browser = createBrowser(running)
    const loggedIn = (await browser.logIn({ apiKey: demo.apiKey })).json()
    control.clearCalls()
    const reply = await browser.get('/session')
    t.equal(reply.statusCode, 200)
    t.strictSame(reply.json(), loggedIn)
    t.same(control.calls(), [])
  })

  t.test('200 says by token who the caller is', async t => {
    const reply = await get('/session')
    t.match(reply.json(), { customerId: 1002, email: demo.email, role: 'Customer' })
    t.notOk(reply.json().scopes.includes('admin'))
    const admin = await get('/session', { token: control.tokenOf('admin') })
    t.ok(admin.json().scopes.includes('admin'))
  })

  t.test('401 invalid-token when the token is nobody’s', async t => {
    fails(t, await get('/session', { token: 'f'.repeat(32) }), 401, 'invalid-token')
  })

  t.test('503 upstream-unavailable while HOSTKEY does not say whose the token is', async t => {
    control.fault({ kind: 'html-503', action: 'info', count: 1 })
    fails(t, await get('/session', { token: control.tokenOf('other') }), 503, 'upstream-unavailable')
    t.equal((await get('/session', { token: control.tokenOf('other') })).statusCode, 200, 'and asks again')
  })
})

t.test('DELETE /session', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '500' })
  const { sandbox, del, audited } = running
  const { demo, control } = sandbox

  t.test('204 ends the session, clears the cookie and ends the token at HOSTKEY', async t => {
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

  t.test('204 twice, and without a session', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    const cookie = browser.cookie()
    await browser.logOut()
    for (const shown of [cookie, 'garbage', undefined]) {
      const reply = await createBrowser(running, shown).logOut()
      t.equal(reply.statusCode, 204)
      t.match(reply.headers['set-cookie'], CLEARED)
    }
    t.equal((await del('/session', { token: null })).statusCode, 204, 'without X-CSRF where there is no cookie')
  })

  t.test('204 while HOSTKEY does not answer, and the token ends later', async t => {
    for (const kind of ['hang', 'html-503', 'reset-before'] as const) {
      const browser = createBrowser(running)
      await browser.logIn({ apiKey: demo.apiKey })
      const cookie = browser.cookie()
      const alive = control.state().sessions.length
      control.fault({ kind, action: 'logout', count: 1 })
      t.equal((await browser.logOut()).statusCode, 204, kind)
      fails(t, await createBrowser(running, cookie).get('/accounts'), 401, 'session-expired')
      t.ok(await eventually(() => control.state().sessions.length === alive - 1), `${kind}: tried again`)
    }
  })

  t.test('204 at once: nobody waits for HOSTKEY', async t => {
    const patient = await gateway(t)
    const browser = createBrowser(patient)
    await browser.logIn({ apiKey: patient.sandbox.demo.apiKey })
    patient.sandbox.control.fault({ kind: 'hang', action: 'logout' })
    const startedAt = performance.now()
    t.equal((await browser.logOut()).statusCode, 204)
    const ms = performance.now() - startedAt
    t.ok(ms < 4000, `${ms.toFixed(0)} ms; HOSTKEY would be given 8 s`)
  })

  t.test('a token that HOSTKEY has ended already is not ended three times', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    control.expireSessions()
    control.clearCalls()
    await browser.logOut()
    const other = createBrowser(running)
    await other.logIn({ apiKey: demo.apiKey })
    await other.logOut()
    // One after the other: when the second token has ended, the first one is done with.
    t.ok(await eventually(() => control.counters()['logout'] === 2))
    t.equal(control.state().sessions.length, 0)
  })

  t.test('403 csrf-rejected when another page would log the browser out', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    for (const headers of [{ 'x-csrf': '' }, { origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      fails(t, await browser.del('/session', { headers }), 403, 'csrf-rejected')
    }
    t.equal((await browser.get('/session')).statusCode, 200)
  })

  t.test('a forged secret ends nobody’s session', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    t.equal((await createBrowser(running, forged(browser.cookie() ?? '')).logOut()).statusCode, 204)
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

t.test('a logged-out session is not brought back by a request in flight', async t => {
  const running = await gateway(t)
  const { control, demo } = running.sandbox
  const browser = createBrowser(running)
  await browser.logIn({ apiKey: demo.apiKey })
  const cookie = browser.cookie()
  control.fault({ kind: 'latency', action: 'get_users', ms: 300, count: MAX_IN_FLIGHT })
  const inFlight = Array.from({ length: MAX_IN_FLIGHT }, (_, n) =>
    // Each asks something else: who asks the same shares one call.
    createBrowser(running, cookie).get(`/accounts?limit=${n + 1}`)
  )
  t.ok(await eventually(() => control.counters()['get_users'] === MAX_IN_FLIGHT))
  t.equal((await browser.logOut()).statusCode, 204)
  await Promise.all(inFlight)
  control.clearCalls()
  const replays = await Promise.all(Array.from({ length: 1000 }, () => createBrowser(running, cookie).get('/accounts')))
  t.same([...new Set(replays.map(({ statusCode }) => statusCode))], [401])
  t.equal(control.counters()['get_users'], undefined)
})

t.test('401 session-expired when HOSTKEY has ended the token', async t => {
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
      t.same(control.calls(), [], 'the record is gone')
    }
  }

  t.test('and not when HOSTKEY says `Permission denied`', async t => {
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

  t.test('204 ends every session of the customer and nobody else’s', async t => {
    const mine = Array.from({ length: 3 }, () => createBrowser(running))
    for (const browser of mine) await browser.logIn({ apiKey: demo.apiKey })
    const cookies = mine.map(browser => browser.cookie())
    control.clearCalls()
    const reply = await mine[0]?.del('/sessions')
    t.equal(reply?.statusCode, 204)
    t.match(reply?.headers['set-cookie'], CLEARED)
    for (const cookie of cookies) fails(t, await createBrowser(running, cookie).get('/session'), 401, 'session-expired')
    t.equal((await other.get('/session')).statusCode, 200)
    t.ok(await eventually(() => control.counters()['logout'] === 1), 'the token at hand ends at HOSTKEY')
  })

  t.test('204 by token, whose own it leaves alone', async t => {
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

t.test('ten sessions of a customer at most: the oldest ends', async t => {
  const running = await gateway(t)
  const browsers = Array.from({ length: 12 }, () => createBrowser(running))
  for (const browser of browsers) await browser.logIn({ apiKey: running.sandbox.demo.apiKey })
  const statuses = await Promise.all(browsers.map(async browser => (await browser.get('/session')).statusCode))
  t.same(statuses, [401, 401, ...Array(10).fill(200)])
})
