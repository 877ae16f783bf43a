import { request } from 'node:http'
import t from 'tap'
import { COOKIE } from '../../../../src/auth/cookie.ts'
import { MAX_IN_FLIGHT } from '../../../../src/http/plugins/in-flight.ts'
import { fails } from '../../../support/assert/expect.ts'
import { createBrowser } from '../../../support/harness/browser-caller.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'

/** A different query each: identical reads would share one call. */
const accountsAt = (n: number) => `/accounts?limit=${n + 1}`

t.test('concurrent requests of a session', async t => {
  const g = await gateway(t)
  const { control, demo } = g.sandbox
  const loggedIn = async () => {
    const browser = createBrowser(g)
    await browser.logIn({ apiKey: demo.apiKey })
    return browser
  }
  const [first, second] = [await loggedIn(), await loggedIn()]
  const asked = (count: number) => eventually(() => (control.counters()['get_users'] ?? 0) >= count)
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  /** Slow requests of a session, all in flight. */
  const busy = async (count = MAX_IN_FLIGHT, browser = first) => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 700, count })
    const replies = Array.from({ length: count }, (_, n) => browser.get(accountsAt(n)))
    t.ok(await asked(count), 'all are in flight')
    return Promise.all(replies)
  }

  t.test('429 rate-limited with Retry-After for the ninth; the eight succeed, and free their slots', async t => {
    const eight = busy()
    await asked(MAX_IN_FLIGHT)
    const reply = await first.get('/accounts')
    fails(t, reply, 429, 'rate-limited', { retryable: true })
    t.equal(reply.headers['retry-after'], '1')
    const write = await first.post('/accounts/s3_user_1/buckets', { name: 'photos' })
    fails(t, write, 429, 'rate-limited', { retryable: true, outcome: 'not-applied' })
    t.equal(control.counters()['get_users'], MAX_IN_FLIGHT, 'HOSTKEY was not called')
    t.strictSame([...new Set((await eight).map(({ statusCode }) => statusCode))], [200])
    t.equal((await first.get('/accounts')).statusCode, 200)
    t.strictSame([...new Set((await busy()).map(({ statusCode }) => statusCode))], [200], 'all eight')
  })

  t.test('a request that ends frees one slot', async t => {
    control.fault({ kind: 'latency', action: 'get_users', ms: 100, count: 1 })
    control.fault({ kind: 'latency', action: 'get_users', ms: 1500, count: MAX_IN_FLIGHT, after: 1 })
    const eight = Array.from({ length: MAX_IN_FLIGHT }, (_, n) => first.get(accountsAt(n)))
    await asked(MAX_IN_FLIGHT)
    await Promise.race(eight)
    const next = first.get(accountsAt(MAX_IN_FLIGHT))
    await asked(MAX_IN_FLIGHT + 1)
    fails(t, await first.get('/session'), 429, 'rate-limited')
    t.strictSame([...new Set((await Promise.all([...eight, next])).map(({ statusCode }) => statusCode))], [200])
  })

  t.test('200 for another session of the same customer, and by token', async t => {
    const eight = busy()
    await asked(MAX_IN_FLIGHT)
    t.equal((await second.get('/accounts')).statusCode, 200)
    const byToken = await Promise.all(Array.from({ length: 2 * MAX_IN_FLIGHT }, () => g.get('/accounts')))
    t.strictSame([...new Set(byToken.map(({ statusCode }) => statusCode))], [200])
    const both = await g.get('/accounts', { headers: { cookie: `${COOKIE}=${first.cookie()}` } })
    t.equal(both.statusCode, 200, 'a cookie beside a token is ignored')
    await eight
  })

  t.test('204 for a logout while all slots are taken', async t => {
    const leaving = await loggedIn()
    const eight = busy(MAX_IN_FLIGHT, leaving)
    await asked(MAX_IN_FLIGHT)
    t.equal((await leaving.logOut()).statusCode, 204)
    await eight
  })

  t.test('refused requests take no slot', async t => {
    for (let n = 0; n < 2 * MAX_IN_FLIGHT; n += 1) {
      t.equal((await first.get('/accounts/s3_user_999')).statusCode, 404)
      t.equal((await first.get('/accounts?limit=x')).statusCode, 400)
    }
    t.equal((await first.get('/accounts')).statusCode, 200)
  })

  t.test('a caller that disconnects frees its slot, once', async t => {
    control.fault({ kind: 'hang', action: 'get_users' })
    const calls = Array.from({ length: MAX_IN_FLIGHT }, (_, n) => {
      const headers = { cookie: `${COOKIE}=${first.cookie()}`, 'x-csrf': '1' }
      const call = request(g.url + accountsAt(n), { headers })
      call.on('error', () => undefined)
      call.end()
      return call
    })
    t.ok(await asked(MAX_IN_FLIGHT))
    fails(t, await first.get('/session'), 429, 'rate-limited')
    for (const call of calls) call.destroy()
    control.clearFaults()
    t.ok(await eventually(async () => (await first.get('/session')).statusCode === 200))
    control.clearCalls()
    const eight = busy()
    await asked(MAX_IN_FLIGHT)
    fails(t, await first.get('/session'), 429, 'rate-limited')
    await eight
  })
})
