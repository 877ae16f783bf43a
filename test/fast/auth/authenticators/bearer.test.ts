import t from 'tap'
import { createBearerAuthenticator } from '../../../../src/auth/authenticators/bearer.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { fails } from '../../../support/assert/expect.ts'
import { clock } from '../../../support/harness/clock.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const ADMIN_FILTERS = ['customerId=1005', 'email=other@example.com', 'billing=com']

t.test('a HOSTKEY token is passed through', async t => {
  const { get, post, sandbox } = await gateway(t)
  const { control } = sandbox

  t.test('200, with a single call of HOSTKEY', async t => {
    control.clearCalls()
    t.equal((await get('/accounts')).statusCode, 200)
    t.match(control.calls(), [{ action: 'get_users' }])
    t.equal(control.calls().length, 1)
    t.equal(
      (await get('/accounts', { token: null, headers: { authorization: `bearer  ${sandbox.demo.token}` } })).statusCode,
      200
    )
  })

  t.test('401 unauthenticated without a credential', async t => {
    const reply = await get('/accounts', { token: null })
    fails(t, reply, 401, 'unauthenticated')
    t.equal(reply.headers['www-authenticate'], 'Bearer realm="hostkey-s3-gateway"')
    t.equal(reply.headers['set-cookie'], undefined)
  })

  t.test('401 invalid-token when Authorization is not one bearer token; HOSTKEY is not called', async t => {
    control.clearCalls()
    for (const authorization of ['Bearer', 'Bearer ', 'Bearer a b', `Bearer ${'x'.repeat(4097)}`]) {
      const reply = await get('/accounts', { token: null, headers: { authorization } })
      fails(t, reply, 401, 'invalid-token')
      t.equal(reply.headers['www-authenticate'], 'Bearer realm="hostkey-s3-gateway", error="invalid_token"')
    }
    t.same(control.calls(), [])
  })

  t.test('401 invalid-token when HOSTKEY refuses the token, in each of its forms, after one call', async t => {
    for (const authFailure of ['invalid-hash', 'code-2', 'code-1', 'http-401'] as const) {
      control.setBehaviours({ authFailure })
      control.clearCalls()
      fails(t, await get('/accounts', { token: 'f'.repeat(32) }), 401, 'invalid-token')
      t.equal(control.calls().length, 1, authFailure)
      const reply = await post('/accounts/s3_user_1/buckets', { name: 'photos' }, { token: 'f'.repeat(32) })
      fails(t, reply, 401, 'invalid-token', { outcome: 'not-applied' })
    }
  })

  t.test('403 insufficient-scope when a customer uses a filter of administrators', async t => {
    for (const query of ADMIN_FILTERS) {
      control.clearCalls()
      const reply = await get(`/accounts?${query}`)
      fails(t, reply, 403, 'insufficient-scope', {
        detail: `The parameter ${query.split('=')[0]} needs the scope admin.`
      })
      t.equal(control.counters()['get_users'], undefined)
    }
  })

  t.test('200 when an administrator does; the identity is looked up once', async t => {
    control.clearCalls()
    for (const query of ADMIN_FILTERS) {
      const reply = await get(`/accounts?${query}`, { token: control.tokenOf('admin') })
      t.equal(reply.statusCode, 200, reply.text)
      if (query !== 'billing=com')
        t.same(
          reply.json().items.map(({ s3uid }: { s3uid: string }) => s3uid),
          ['s3_user_2']
        )
    }
    t.equal(control.counters()['info'], 1)
  })

  t.test('503 upstream-unavailable when HOSTKEY does not say whose token it is', async t => {
    control.fault({ kind: 'html-503', action: 'info', count: 1 })
    const reply = await get('/accounts?billing=com', { token: control.tokenOf('other') })
    fails(t, reply, 503, 'upstream-unavailable')
  })
})

t.test(
  'the identity behind a token is looked up again after a minute, although the system clock was set back',
  async t => {
    const advance = clock(t)
    let calls = 0
    const authenticate = createBearerAuthenticator({
      identify: async () => {
        calls += 1
        return { customerId: calls }
      },
      grant: () => Promise.reject(new Error('unexpected')),
      revoke: async () => undefined
    })
    const identityOf = () => authenticate(new Secret('a-token-of-hostkey'), undefined, () => '192.0.2.1').identity()
    await identityOf()
    const now = Date.now()
    t.intercept(Date, 'now', { value: () => now - 3_600_000 })
    t.strictSame(await identityOf(), { customerId: 1 })
    advance(60_000)
    t.strictSame(await identityOf(), { customerId: 2 })
  }
)
