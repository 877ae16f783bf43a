import t, { type Test } from 'tap'
import { isProblem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createAuth } from '../../../src/upstream/auth.ts'
import { createUpstream } from '../../../src/upstream/client.ts'
import { recordingUpstream, type Told } from '../../support/fakes/recording-upstream.ts'

const NOW = 1_700_000_000_000
const EIGHT_HOURS_MS = 8 * 3_600_000

const whole = {
  token: 'fedcba9876543210',
  role: 'Customer',
  email: 'me@example.com',
  customer_id: 7,
  token_expire: 1_700_000_900
}
const identity = { customerId: 7, email: 'me@example.com', role: 'Customer', expiresAt: 1_700_000_900_000 }

const office = async (t: Test, answers: Record<string, Told>) => {
  const told = await recordingUpstream(
    t,
    Object.fromEntries(Object.entries(answers).map(([name, said]) => [name, () => said]))
  )
  const auth = createAuth(told.upstream, () => NOW)
  return {
    ...told,
    auth,
    byKey: () => auth.grant({ apiKey: new Secret('the key') }).catch(error => error),
    byPassword: () =>
      auth.grant({ email: 'me@example.com', password: new Secret('the password') }).catch(error => error),
    byToken: () => auth.grant({ token: new Secret('the token') }).catch(error => error)
  }
}

t.test('a login', async t => {
  t.test('that says whose the token is takes one call, for eight hours and any address', async t => {
    const { byKey, byPassword, calls } = await office(t, { login: whole, whmcslogin: whole })
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

  t.test('that lacks the customer or the role asks whose the token is', async t => {
    const { token_expire: _, ...info } = { ...whole, token: 'another' }
    for (const { role, customer_id, ...lacking } of [whole]) {
      for (const login of [lacking, { ...lacking, role }, { ...lacking, customer_id }]) {
        const { byKey, calls } = await office(t, { login, info })
        const grant = await byKey()
        t.equal(grant.token.reveal(), whole.token)
        t.strictSame(grant.identity, identity, 'the end of the token is the one that the login tells')
        t.match(calls, [{ action: 'login' }, { action: 'info', token: whole.token }])
      }
    }
  })

  t.test('that tells no end takes the end that info tells, else that of the terms', async t => {
    const bare = { token: whole.token }
    const { byKey } = await office(t, { login: bare, info: whole })
    t.equal((await byKey()).identity.expiresAt, identity.expiresAt)
    const { byKey: other } = await office(t, { login: bare, info: { ...whole, token_expire: 0 } })
    t.equal((await other()).identity.expiresAt, NOW + EIGHT_HOURS_MS)
    const { token_expire: _, ...endless } = whole
    const { byKey: third } = await office(t, { login: endless })
    t.equal((await third()).identity.expiresAt, NOW + EIGHT_HOURS_MS)
  })

  t.test('by token is that token, and whose it is', async t => {
    const { byToken, calls } = await office(t, { info: { ...whole, role_type: 'Admin' } })
    const { token, ...rest } = await byToken()
    t.equal(token.reveal(), 'the token')
    t.strictSame(rest, { identity: { ...identity, role: 'Admin' } }, 'the type of the role goes before its name')
    t.strictSame(calls, [{ action: 'info', token: 'the token' }])
  })

  t.test('names what HOSTKEY names, and no more', async t => {
    const { auth } = await office(t, { info: { token: 'x' } })
    t.strictSame(await auth.identify(new Secret('x')), { expiresAt: NOW + EIGHT_HOURS_MS })
  })
})

t.test('words that refuse a token refuse the credential where none was shown', async t => {
  const { byKey, byPassword, byToken } = await office(t, {
    login: 'Invalid token',
    whmcslogin: 'Invalid token',
    info: 'Invalid token'
  })
  t.ok(isProblem(await byKey(), 'invalid-credentials'))
  t.ok(isProblem(await byPassword(), 'invalid-credentials'))
  t.ok(isProblem(await byToken(), 'invalid-token'))
})

t.test('other refusals stay what they are', async t => {
  const { byKey } = await office(t, { login: 'IP not allowed' })
  t.ok(isProblem(await byKey(), 'forbidden'))
})

t.test('upstream-unavailable when HOSTKEY does not answer, so that nobody takes it for a wrong key', async t => {
  const { byKey, byToken, auth } = await office(t, { login: undefined, info: 'SlowDown' })
  const unread = await byKey()
  t.ok(isProblem(unread, 'upstream-unavailable'))
  t.equal(unread.options.retryAfterSeconds, 5)
  t.ok(isProblem(unread.options.cause, 'upstream-bad-response'))
  t.ok(isProblem(await byToken(), 'upstream-unavailable'))
  t.ok(
    isProblem(await auth.revoke(new Secret('x')).catch(error => error), 'upstream-bad-response'),
    'a logout says why'
  )
})

t.test('upstream-unavailable when HOSTKEY is not there, or hangs up', async t => {
  const { byKey } = await office(t, { login: null })
  const clientAborted = await byKey()
  t.ok(isProblem(clientAborted, 'upstream-unavailable'))
  t.ok(isProblem(clientAborted.options.cause, 'upstream-timeout'))
  const away = createUpstream({
    url: new URL('http://127.0.0.1:1'),
    timeoutMs: 2000,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  t.after(() => away.close())
  const unreached = await createAuth(away)
    .identify(new Secret('x'))
    .catch(error => error)
  t.ok(isProblem(unreached, 'upstream-unavailable'))
  t.ok(isProblem(unreached.options.cause, 'upstream-unreachable'))
})

t.test('a token is ended by itself', async t => {
  const { auth, calls } = await office(t, { logout: {} })
  await auth.revoke(new Secret('x'))
  t.strictSame(calls, [{ action: 'logout', token: 'x' }])
})
