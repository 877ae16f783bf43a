import t from 'tap'
import { createSessionAuthenticator } from '../../../../src/auth/authenticators/session.ts'
import { createSealer } from '../../../../src/auth/seal.ts'
import { createSessions } from '../../../../src/auth/sessions.ts'
import { isProblem } from '../../../../src/core/problem.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'

const house = () => {
  const sessions = createSessions(createMemoryStore(), createSealer([new Secret('s'.repeat(32))]))
  const enter = createSessionAuthenticator(sessions)
  const begin = async (token: string, customerId?: number) => {
    const identity = { role: 'Customer', ...(customerId !== undefined && { customerId }) }
    return (await sessions.begin({ token: new Secret(token), identity })).cookie
  }
  return { enter, begin }
}

t.test('the caller behind a cookie is the customer, whatever the session', async t => {
  const { enter, begin } = house()
  const idOf = async (token: string, customerId?: number) => (await enter(await begin(token, customerId))).id
  t.equal(await idOf('one', 7), await idOf('two', 7))
  t.not(await idOf('one', 7), await idOf('one', 8))
  t.equal(await idOf('one'), await idOf('one'), 'else the token')
  t.not(await idOf('one'), await idOf('two'))
  for (const id of [await idOf('one', 7), await idOf('one')]) t.notMatch(id, /one|undefined/)
})

t.test('it has the session’s token, scopes and end', async t => {
  const { enter, begin } = house()
  const caller = await enter(await begin('one', 7))
  t.equal((await caller.token()).reveal(), 'one')
  t.match(await caller.identity(), { customerId: 7, role: 'Customer', expiresAt: Number })
  t.ok(await caller.grants('accounts:read'))
  t.notOk(await caller.grants('nothing' as never))
  t.match(caller, { authScheme: 'session', limitFactor: 1, accounts: undefined })
})

t.test('401 session-expired when there is no session, and when HOSTKEY refuses its token, which ends it', async t => {
  const { enter, begin } = house()
  t.ok(isProblem(await enter(new Secret('none')).catch(error => error), 'session-expired'))
  const cookie = await begin('one', 7)
  const caller = await enter(cookie)
  t.ok(isProblem(await caller.refreshToken(new Secret('one')).catch(error => error), 'session-expired'))
  t.ok(isProblem(await enter(cookie).catch(error => error), 'session-expired'))
})
