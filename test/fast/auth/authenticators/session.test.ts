import t from 'tap'
import { createSessionAuthenticator } from '../../../../src/auth/authenticators/session.ts'
import { createSealer } from '../../../../src/auth/seal.ts'
import { createSessionRecords } from '../../../../src/auth/session-records.ts'
import { isProblem } from '../../../../src/core/problem.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'

const withSessions = () => {
  const records = createSessionRecords(createMemoryStore(), createSealer([new Secret('s'.repeat(32))]))
  const authenticator = createSessionAuthenticator(records)
  const authenticate = async (cookie: Secret) => (await authenticator(cookie, { ofAddress: [], ofCaller: [] })).caller
  const createSession = async (token: string, customerId?: number) => {
    const identity = { role: 'Customer', ...(customerId !== undefined && { customerId }) }
    return (await records.create({ token: new Secret(token), identity })).cookie
  }
  return { authenticate, createSession }
}

t.test('all sessions of a customer have the same caller id', async t => {
  const { authenticate, createSession } = withSessions()
  const idOf = async (token: string, customerId?: number) =>
    (await authenticate(await createSession(token, customerId)))?.id ?? t.fail('no caller')
  t.equal(await idOf('one', 7), await idOf('two', 7))
  t.not(await idOf('one', 7), await idOf('one', 8))
  t.equal(await idOf('one'), await idOf('one'), 'without a customer, the id is that of the token')
  t.not(await idOf('one'), await idOf('two'))
  for (const id of [await idOf('one', 7), await idOf('one')]) t.notMatch(id, /one|undefined/)
})

t.test('the caller has the token, the scopes and the end of its session', async t => {
  const { authenticate, createSession } = withSessions()
  const caller = await authenticate(await createSession('one', 7))
  t.equal((await caller?.token())?.reveal(), 'one')
  t.match(await caller?.identity(), { customerId: 7, role: 'Customer', expiresAt: Number })
  t.ok(await caller?.grants('accounts:read'))
  t.notOk(await caller?.grants('nothing' as never))
  t.match(caller, { authScheme: 'session', limitFactor: 1, accounts: undefined })
})

t.test('no caller when there is no session; when HOSTKEY refuses the token, the session ends', async t => {
  const { authenticate, createSession } = withSessions()
  t.equal(await authenticate(new Secret('none')), undefined)
  const cookie = await createSession('one', 7)
  const caller = await authenticate(cookie)
  t.ok(isProblem(await caller?.refreshToken(new Secret('one')).catch(error => error), 'session-expired'))
  t.equal(await authenticate(cookie), undefined)
})
