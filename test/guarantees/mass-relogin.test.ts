import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { actions } from '../../src/upstream/actions/index.ts'
import { fails } from '../support/assert/expect.ts'
import { actionNames, sendSample } from '../support/harness/action-requests.ts'
import { amount } from '../support/harness/amount.ts'
import { createBrowser } from '../support/harness/browser-caller.ts'
import { eventually } from '../support/harness/eventually.ts'
import { figuresOf } from '../support/harness/figures.ts'
import { gateway, type Reply } from '../support/harness/gateway.ts'
import { withServices } from '../support/harness/services.ts'

const STYLES = amount<readonly ('invalid-hash' | 'code-2' | 'code-1' | 'http-401')[]>(
  ['code-2'],
  ['invalid-hash', 'code-2', 'code-1', 'http-401']
)
/** Actions that may bill. */
const provisions = actionNames.filter(name => actions[name].effect === 'provision')

const CALLS = amount(50, 1000)
/** Duration of a slow login. */
const SLOW_MS = 700

const SCOPES = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:write',
  'orders:write',
  'plans:read'
] as const

const figures = figuresOf(t, 'mass-relogin')
/** Number of calls that may bill, over all their cases. */
const billing = { asked: 0, sent: 0 }
t.teardown(() => figures(`${billing.sent - billing.asked} of ${billing.asked} writes that may bill sent again`))

const all = <T>(count: number, ask: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n)))

/** A careful client: it retries when too many of its requests wait, or the gateway is overloaded. Nothing was sent then. */
const patient = async (ask: () => Promise<Reply>): Promise<Reply> => {
  for (;;) {
    const reply = await ask()
    if (reply.statusCode !== 429 && !reply.text.includes('/problems/overloaded"')) return reply
    await pause(100 + Math.random() * 400)
  }
}
const statusesOf = (replies: Reply[]) => [...new Set(replies.map(({ statusCode }) => statusCode))]

for (const authFailure of STYLES) {
  t.test(`when HOSTKEY refuses the token by ${authFailure}`, async t => {
    // Each with its own API key: a token that was refreshed within 5 s is not refreshed again.
    const { as, get, post, sandbox, logins } = await withServices(t, {
      thousand: {},
      refused: { customer: 'admin' },
      buckets: { customer: 'other', scopes: ['accounts:read', 'buckets:write'] }
    })
    const { control } = sandbox
    control.setBehaviours({ authFailure })

    t.test(`200 for each of ${CALLS} calls at once, and one login`, async t => {
      t.equal((await get('/accounts', as.thousand)).statusCode, 200)
      control.expireSessions()
      control.clearCalls()
      // Different requests, because equal ones share one call.
      const replies = await all(CALLS, n => patient(() => get(`/accounts?limit=${n + 1}`, as.thousand)))
      t.same(statusesOf(replies), [200])
      t.equal(logins(), 1)
      figures(`${replies.length} calls on a token refused by ${authFailure}: ${logins()} login`)
      t.ok((control.counters()['get_users'] ?? 0) <= 2 * CALLS, 'each call is repeated once at most')
    })

    t.test('201 for a write that may not bill, which is repeated', async t => {
      t.equal((await get('/accounts', as.buckets)).statusCode, 200)
      control.fault({ kind: 'expire-sessions', action: 'create_bucket', count: 1 })
      control.clearCalls()
      const reply = await post('/accounts/s3_user_2/buckets', { name: 'photos' }, as.buckets)
      t.equal(reply.statusCode, 201, reply.text)
      t.equal(logins(), 1)
      t.equal(control.counters()['create_bucket'], 2)
    })

    t.test('503 when the fresh token is refused too, and no login for each call', async t => {
      t.equal((await get('/accounts', as.refused)).statusCode, 200)
      control.fault({ kind: 'auth-failure', action: 'get_users' })
      control.clearCalls()
      for (let i = 0; i < 5; i += 1) {
        fails(t, await get('/accounts', as.refused), 503, 'upstream-unavailable', { retryable: true })
      }
      t.equal(logins(), 1)
    })
  })

  for (const action of provisions) {
    t.test(`503 and sent once, refused by ${authFailure}: ${action}`, async t => {
      const running = await withServices(t, { caller: { scopes: [...SCOPES] } })
      const { as, get, sandbox, logins } = running
      const { control } = sandbox
      control.setBehaviours({ authFailure })
      t.equal((await get('/accounts', as.caller)).statusCode, 200)
      const accounts = control.state().accounts.length
      control.fault({ kind: 'expire-sessions', action, count: 1 })
      control.clearCalls()
      const reply = await sendSample(running, action, as.caller)
      fails(t, reply, 503, 'upstream-unavailable', { outcome: 'not-applied', retryable: true })
      t.ok(reply.headers['retry-after'])
      t.equal(control.counters()[action], 1)
      billing.asked += 1
      billing.sent += control.counters()[action] ?? 0
      t.equal(logins(), 1)
      t.equal(control.state().accounts.length, accounts)
      const again = await sendSample(running, action, as.caller)
      t.ok(again.statusCode < 300, `sent again, it is done: ${again.text}`)
    })
  }
}

t.test('when HOSTKEY refuses otherwise', async t => {
  const { as, get, sandbox, logins } = await withServices(
    t,
    { reports: {}, other: { customer: 'other' } },
    {
      UPSTREAM_TIMEOUT_MS: '500'
    }
  )
  const { control } = sandbox

  t.test('503 while logins are not answered, and 200 as soon as they are', async t => {
    for (const kind of ['hang', 'html-503', 'reset-before', 'html-200'] as const) {
      control.fault({ kind, action: 'login', count: 1 })
      const reply = await get('/accounts', as.reports)
      fails(t, reply, 503, 'upstream-unavailable', { retryable: true })
      t.ok(reply.headers['retry-after'], kind)
    }
    t.equal((await get('/accounts', as.reports)).statusCode, 200)
  })

  t.test('403 forbidden for `Permission denied`, and no login', async t => {
    await get('/accounts', as.reports)
    control.clearCalls()
    for (const text of ['Permission denied', 'Access denied', 'You has no permissions']) {
      control.fault({ kind: 'refusal', action: 'get_users', text, count: 1 })
      fails(t, await get('/accounts', as.reports), 403, 'forbidden')
    }
    t.equal(logins(), 0)
    t.equal(control.counters()['get_users'], 3)
  })

  t.test(`503 for 30 s for each of ${CALLS} calls after the key was refused, on one login`, async t => {
    const key = control.customer('other').apiKeys[0]
    if (key) key.active = false
    control.clearCalls()
    const replies = await all(CALLS, () => get('/accounts', as.other))
    replies.push(await get('/accounts', as.other))
    t.same(statusesOf(replies), [503])
    for (const reply of replies.slice(-10)) {
      fails(t, reply, 503, 'upstream-unavailable')
      t.equal(reply.headers['retry-after'], '30')
    }
    t.equal(logins(), 1)
    t.equal(control.counters()['get_users'], undefined)
    figures(`${CALLS} calls of a service whose key is refused: ${CALLS} × 503, ${logins()} login`)
  })
})

t.test('a login that takes its time', async t => {
  const { as, get, sandbox, logins } = await withServices(t, { slow: {} })
  const { control } = sandbox

  t.test(`200 for each of ${CALLS} calls at once, on one slow login`, async t => {
    t.equal((await get('/accounts', as.slow)).statusCode, 200)
    control.expireSessions()
    control.clearCalls()
    control.fault({ kind: 'latency', action: 'login', ms: SLOW_MS })
    const replies = await all(CALLS, () => patient(() => get('/accounts', as.slow)))
    t.same(statusesOf(replies), [200])
    t.equal(logins(), 1)
    figures(`${CALLS} calls on a login of ${SLOW_MS} ms: ${logins()} login`)
  })
})

const DEADLINE_MS = 1000

t.test('a login that is not answered', async t => {
  const { as, get, sandbox, logins } = await withServices(t, { reports: {} }, { UPSTREAM_TIMEOUT_MS: `${DEADLINE_MS}` })
  const { control } = sandbox
  t.equal((await get('/accounts', as.reports)).statusCode, 200)
  control.expireSessions()
  control.clearCalls()
  control.fault({ kind: 'hang', action: 'login' })
  const startedAt = performance.now()
  const replies = await all(CALLS, () => get('/accounts', as.reports))
  const ms = performance.now() - startedAt
  t.same(statusesOf(replies), [503])
  const asked = logins()
  t.ok(asked <= 1 + ms / DEADLINE_MS, `${asked} logins in ${ms.toFixed(0)} ms, one after the other`)
  control.clearFaults()
  t.ok(await eventually(async () => (await get('/accounts', as.reports)).statusCode === 200), 'and then it goes on')
  figures(`${CALLS} calls on a login that times out: ${CALLS} × 503, ${asked} logins tried; 200 afterwards`)
})

/** Maximum number of requests of one session in flight. */
const OF_A_SESSION = 8

t.test('an expired token that cannot be refreshed', async t => {
  const running = await gateway(t, { UPSTREAM_TIMEOUT_MS: '500' })
  const { get, sandbox } = running
  const { control, demo } = sandbox
  const seen = () => control.calls().length

  t.test(`401 invalid-token for each of ${CALLS} calls of a bearer`, async t => {
    control.expireSessions()
    const replies = await all(CALLS, () => get('/accounts'))
    t.same(statusesOf(replies), [401])
    for (const reply of replies.slice(-10)) fails(t, reply, 401, 'invalid-token')
    t.equal(control.counters()['login'], undefined)
    figures(`${CALLS} calls of a bearer whose token has ended: ${CALLS} × 401`)
  })

  t.test(`401 session-expired for each of ${CALLS} calls of a session, whose record is gone`, async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    const cookie = browser.cookie()
    control.expireSessions()
    control.clearCalls()
    const replies: Reply[] = []
    while (replies.length < CALLS)
      replies.push(...(await all(OF_A_SESSION, () => createBrowser(running, cookie).get('/accounts'))))
    t.same(statusesOf(replies), [401])
    for (const reply of replies.slice(-10)) fails(t, reply, 401, 'session-expired')
    t.ok(seen() <= OF_A_SESSION, `HOSTKEY was asked ${seen()} times, by those that came at once`)
    t.equal(control.counters()['login'], undefined)
    figures(`${replies.length} calls of a session whose token has ended: ${replies.length} × 401, record gone`)
  })

  t.test('no 401 while HOSTKEY does not answer: the session is kept', async t => {
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: demo.apiKey })
    control.fault({ kind: 'hang', action: 'get_users' })
    const replies = await all(OF_A_SESSION, () => browser.get('/accounts'))
    replies.push(await browser.get('/accounts'))
    t.ok(
      replies.every(({ statusCode }) => statusCode === 503 || statusCode === 504),
      `${statusesOf(replies)}`
    )
    t.ok(browser.cookie(), 'the cookie is untouched')
    control.clearFaults()
    t.ok(await eventually(async () => (await browser.get('/accounts')).statusCode === 200), 'and then it goes on')
    figures(`a session while HOSTKEY is silent: ${statusesOf(replies).join(' or ')}, and 200 afterwards`)
  })
})

t.test('renews before the token ends', async t => {
  const { as, get, sandbox, logins } = await withServices(t, { reports: {} })
  // HOSTKEY's clock is nearly 8 h behind ours: its tokens expire within a minute here.
  sandbox.control.advance(-8 * 3600 + 30)
  await get('/accounts', as.reports)
  sandbox.control.advance(8 * 3600 - 30)
  sandbox.control.clearCalls()
  t.equal((await get('/accounts', as.reports)).statusCode, 200)
  t.equal(logins(), 1, 'though the token is not refused yet')
  await get('/accounts', as.reports)
  t.equal(logins(), 1)
})
