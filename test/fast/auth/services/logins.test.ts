import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { createSealer } from '../../../../src/auth/seal.ts'
import { createLogins } from '../../../../src/auth/services/logins.ts'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createMemoryStore } from '../../../../src/store/memory.ts'
import { type Store, StoreUnavailable } from '../../../../src/store/store.ts'
import type { Auth } from '../../../../src/upstream/auth.ts'
import { clock } from '../../../support/harness/clock.ts'

const HOUR_MS = 3_600_000
const KEY = new Secret('an api key')

/** Logins that issue a new token each, valid for an hour, or throw what the test gives. */
const scripted = ({ store: given, fails }: { store?: Store; fails?: () => Problem | undefined } = {}) => {
  let at = Date.UTC(2026, 0, 1)
  let logins = 0
  const shown: string[] = []
  const now = () => at
  const auth: Auth = {
    async grant(credential) {
      logins += 1
      const serial = logins
      shown.push('apiKey' in credential ? credential.apiKey.reveal() : 'no key')
      await pause(5)
      const problem = fails?.()
      if (problem) throw problem
      return { token: new Secret(`token ${serial}`), identity: { customerId: 7, expiresAt: at + HOUR_MS } }
    },
    identify: async () => ({}),
    revoke: async () => undefined
  }
  const store = given ?? createMemoryStore(now)
  const sealer = createSealer([new Secret('s'.repeat(32))])
  const create = () => createLogins(auth, store, sealer, now)
  return { ...create(), another: create, store, shown, logins: () => logins, pass: (ms: number) => (at += ms) }
}

const problemOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (isProblem(error) ? error.problem : error)
  )

t.test('one login for all requests, until a minute before the token expires', async t => {
  const { grant, logins, pass } = scripted()
  const grants = await Promise.all(Array.from({ length: 1000 }, () => grant(KEY)))
  t.equal(logins(), 1)
  t.same([...new Set(grants.map(({ token }) => token.reveal()))], ['token 1'])
  pass(HOUR_MS - 60_001)
  t.equal((await grant(KEY)).token.reveal(), 'token 1')
  pass(1)
  const refreshed = await Promise.all(Array.from({ length: 1000 }, () => grant(KEY)))
  t.same([...new Set(refreshed.map(({ token }) => token.reveal()))], ['token 2'])
  t.equal(logins(), 2)
})

t.test('each key has a login of its own', async t => {
  const { grant, logins, shown } = scripted()
  const [one, other] = await Promise.all([grant(KEY), grant(new Secret('another key'))])
  t.not(one.token.reveal(), other.token.reveal())
  t.equal(logins(), 2)
  t.same(shown, ['an api key', 'another key'])
})

t.test('each key has a lock of its own, and its token is stored until it expires', async t => {
  const locks = new Set<string>()
  const lives: number[] = []
  const store = createMemoryStore()
  const watched: Store = {
    ...store,
    claim(name, owner, ttlMs) {
      locks.add(name)
      return store.claim(name, owner, ttlMs)
    },
    put(name, value, ttlMs) {
      lives.push(ttlMs)
      return store.put(name, value, ttlMs)
    }
  }
  const { grant } = scripted({ store: watched })
  await Promise.all([grant(KEY), grant(new Secret('another key'))])
  t.equal(locks.size, 2)
  t.same(lives, [HOUR_MS, HOUR_MS])
})

t.test('a refused token is replaced once for all requests that used it', async t => {
  const { grant, logins } = scripted()
  const { token } = await grant(KEY)
  const fresh = await Promise.all(Array.from({ length: 1000 }, () => grant(KEY, token)))
  t.same([...new Set(fresh.map(({ token }) => token.reveal()))], ['token 2'])
  t.equal((await grant(KEY, token)).token.reveal(), 'token 2', 'also for a later request')
  t.equal(logins(), 2)
})

t.test('503 when a token is refused within 5 s after it replaced a refused one', async t => {
  const { grant, logins, pass } = scripted()
  const first = await grant(KEY)
  const second = await grant(KEY, first.token)
  const again = await grant(KEY, second.token).catch(error => error)
  t.match(again, { problem: 'upstream-unavailable', options: { retryAfterSeconds: 5 } })
  t.equal((await grant(KEY)).token.reveal(), 'token 2', 'a request that was not refused gets the token')
  t.equal(logins(), 2)
  pass(5000)
  t.equal((await grant(KEY, second.token)).token.reveal(), 'token 3')
})

t.test('a request that joins a login and gets the refused token logs in again', async t => {
  const { grant, another, logins } = scripted()
  const { token } = await grant(KEY)
  const replica = another()
  const [plain, refused] = await Promise.all([replica.grant(KEY), replica.grant(KEY, token)])
  t.equal(plain.token.reveal(), 'token 1', 'the shared token')
  t.equal(refused.token.reveal(), 'token 2')
  t.equal(logins(), 2)
})

t.test('a refused key is not sent again for 30 s', async t => {
  for (const name of [
    'invalid-credentials',
    'api-key-login-unavailable',
    'two-factor-required',
    'forbidden'
  ] as const) {
    let problem: Problem | undefined = new Problem(name, 'no')
    const { grant, logins, pass } = scripted({ fails: () => problem })
    const refusals = await Promise.all(Array.from({ length: 100 }, () => problemOf(grant(KEY))))
    t.same([...new Set(refusals)], [name])
    pass(29_999)
    t.equal(await problemOf(grant(KEY)), name)
    t.equal(logins(), 1, name)
    problem = undefined
    pass(1)
    t.equal((await grant(KEY)).token.reveal(), 'token 2')
  }
})

t.test('a refused key is sent again after 30 s although the system clock was set back', async t => {
  const advance = clock(t)
  let logins = 0
  const auth: Auth = {
    async grant() {
      logins += 1
      throw new Problem('invalid-credentials', 'no')
    },
    identify: async () => ({}),
    revoke: async () => undefined
  }
  const { grant } = createLogins(auth, createMemoryStore(), createSealer([new Secret('s'.repeat(32))]))
  await problemOf(grant(KEY))
  const now = Date.now()
  t.intercept(Date, 'now', { value: () => now - HOUR_MS })
  await problemOf(grant(KEY))
  t.equal(logins, 1)
  advance(30_000)
  await problemOf(grant(KEY))
  t.equal(logins, 2)
})

t.test('a login that HOSTKEY does not answer does not count as a refusal of the key', async t => {
  let problem: Problem | undefined = new Problem('upstream-unavailable', 'unavailable')
  const { grant, logins } = scripted({ fails: () => problem })
  t.equal(await problemOf(grant(KEY)), 'upstream-unavailable')
  problem = undefined
  t.equal((await grant(KEY)).token.reveal(), 'token 2')
  t.equal(logins(), 2)
})

t.test('replicas on one store share one login, sealed under the key', async t => {
  const { grant, another, logins } = scripted()
  const replicas = [another(), another(), another()]
  const grants = await Promise.all([grant(KEY), ...replicas.flatMap(({ grant }) => [grant(KEY), grant(KEY)])])
  t.same([...new Set(grants.map(({ token }) => token.reveal()))], ['token 1'])
  t.equal(logins(), 1)
  t.equal((await another().grant(KEY)).identity.customerId, 7)
})

t.test('without a store each process logs in itself', async t => {
  const unavailable = () => Promise.reject(new StoreUnavailable('test'))
  const store = { ...createMemoryStore(), get: unavailable, put: unavailable, claim: unavailable, release: unavailable }
  const { grant, logins } = scripted({ store })
  const grants = await Promise.all(Array.from({ length: 100 }, () => grant(KEY)))
  t.same([...new Set(grants.map(({ token }) => token.reveal()))], ['token 1'])
  t.equal(logins(), 1)
})
