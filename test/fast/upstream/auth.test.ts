import t, { type Test } from 'tap'
import { isProblem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import { anonymousContext, createAuth } from '../../../src/upstream/auth.ts'
import { createUpstream } from '../../../src/upstream/client.ts'
import { type Answer, fakeUpstream } from '../../support/fakes/upstream.ts'

const NOW = 1_700_000_000_000
const context = () => anonymousContext({ share: 'a' })
const EIGHT_HOURS_MS = 8 * 3_600_000

const whole = {
  token: 'fedcba9876543210',
  role: 'Customer',
  email: 'me@example.com',
  customer_id: 7,
  token_expire: 1_700_000_900
}
const identity = { customerId: 7, email: 'me@example.com', role: 'Customer', expiresAt: 1_700_000_900_000 }

const authWith = async (t: Test, answers: Record<string, Answer>) => {
  const upstream = await fakeUpstream(
    t,
    Object.fromEntries(Object.entries(answers).map(([name, said]) => [name, () => said]))
  )
  const auth = createAuth(upstream.upstream, () => NOW)
  return {
    ...upstream,
    auth,
    byKey: () => auth.grant({ apiKey: new Secret('the key') }, context()).catch(error => error),
    byPassword: () =>
      auth.grant({ email: 'me@example.com', password: new Secret('the password') }, context()).catch(error => error),
    byToken: () => auth.grant({ token: new Secret('the-token') }, context()).catch(error => error)
  }
}

t.test('a login', async t => {
  t.test('whose answer has the customer takes one call, for eight hours and any address', async t => {
    const { byKey, byPassword, calls } = await authWith(t, { login: whole, whmcslogin: whole })
    for (const log of [byKey, byPassword]) {
      const { token, ...rest } = await log()
      t.equal(token.reveal(), whole.token)
      t.strictSame(rest, { identity })
    }
    const terms = { ttl: '28800', fix_ip: '0' }
    t.strictSame(calls, [
      { action: 'login', key: 'the key', ...terms },
      { action: 'whmcslogin', user: 'me@example.com', password: 'the password', ...terms }
    ])
  })

  t.test('whose answer lacks the customer or the role calls info', async t => {
    const { token_expire: _, ...info } = { ...whole, token: 'another' }
    for (const { role, customer_id, ...lacking } of [whole]) {
      for (const login of [lacking, { ...lacking, role }, { ...lacking, customer_id }]) {
        const { byKey, calls } = await authWith(t, { login, info })
        const grant = await byKey()
        t.equal(grant.token.reveal(), whole.token)
        t.strictSame(grant.identity, identity, 'the expiry is that of the login')
        t.match(calls, [{ action: 'login' }, { action: 'info', token: whole.token }])
      }
    }
  })

  t.test('without an expiry takes that of info, else the requested lifetime', async t => {
    const bare = { token: whole.token }
    const { byKey } = await authWith(t, { login: bare, info: whole })
    t.equal((await byKey()).identity.expiresAt, identity.expiresAt)
    const { byKey: other } = await authWith(t, { login: bare, info: { ...whole, token_expire: 0 } })
    t.equal((await other()).identity.expiresAt, NOW + EIGHT_HOURS_MS)
    const { token_expire: _, ...endless } = whole
    const { byKey: third } = await authWith(t, { login: endless })
    t.equal((await third()).identity.expiresAt, NOW + EIGHT_HOURS_MS)
  })

  t.test('by token returns that token and its customer', async t => {
    const { byToken, calls } = await authWith(t, { info: { ...whole, role_type: 'Admin' } })
    const { token, ...rest } = await byToken()
    t.equal(token.reveal(), 'the-token')
    t.strictSame(rest, { identity: { ...identity, role: 'Admin' } }, 'role_type comes before role')
    t.strictSame(calls, [{ action: 'info', token: 'the-token' }])
  })

  t.test('returns only the members that HOSTKEY sends', async t => {
    const { auth } = await authWith(t, { info: { token: 'x' } })
    t.strictSame(await auth.identify(new Secret('x'), { share: 'a' }), { expiresAt: NOW + EIGHT_HOURS_MS })
  })
})

t.test('invalid-credentials when a login without a token is refused as an invalid token', async t => {
  const { byKey, byPassword, byToken } = await authWith(t, {
    login: 'Invalid token',
    whmcslogin: 'Invalid token',
    info: 'Invalid token'
  })
  t.ok(isProblem(await byKey(), 'invalid-credentials'))
  t.ok(isProblem(await byPassword(), 'invalid-credentials'))
  t.ok(isProblem(await byToken(), 'invalid-token'))
})

t.test('other refusals are passed on', async t => {
  const { byKey } = await authWith(t, { login: 'IP not allowed' })
  t.ok(isProblem(await byKey(), 'forbidden'))
})

t.test('upstream-unavailable, not invalid-credentials, when HOSTKEY does not answer', async t => {
  const { byKey, byToken, auth } = await authWith(t, { login: undefined, info: 'SlowDown' })
  const unread = await byKey()
  t.ok(isProblem(unread, 'upstream-unavailable'))
  t.equal(unread.options.retryAfterSeconds, 5)
  t.ok(isProblem(unread.options.cause, 'upstream-bad-response'))
  t.ok(isProblem(await byToken(), 'upstream-unavailable'))
  t.ok(
    isProblem(await auth.revoke(new Secret('x')).catch(error => error), 'upstream-bad-response'),
    'a logout reports the cause'
  )
})

t.test('upstream-unavailable when HOSTKEY is unreachable or closes the connection', async t => {
  const { byKey } = await authWith(t, { login: null })
  const closed = await byKey()
  t.ok(isProblem(closed, 'upstream-unavailable'))
  t.ok(isProblem(closed.options.cause, 'upstream-timeout'))
  const unreachable = createUpstream({
    url: new URL('http://127.0.0.1:1'),
    timeoutMs: 2000,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  t.after(() => unreachable.close())
  const unreached = await createAuth(unreachable)
    .identify(new Secret('x'), { share: 'a' })
    .catch(error => error)
  t.ok(isProblem(unreached, 'upstream-unavailable'))
  t.ok(isProblem(unreached.options.cause, 'upstream-unreachable'))
})

t.test('revoke calls logout', async t => {
  const { auth, calls } = await authWith(t, { logout: {} })
  await auth.revoke(new Secret('x'))
  t.strictSame(calls, [{ action: 'logout', token: 'x' }])
})
