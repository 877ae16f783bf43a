import t from 'tap'
import { scopesOfRole } from '../../../schemas/scopes.ts'
import { createSealer } from '../../../src/auth/seal.ts'
import { createSessions } from '../../../src/auth/sessions.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START = Date.UTC(2026, 0, 1)

/** Sessions on a clock that the test puts forward. */
const onClock = () => {
  let at = START
  const now = () => at
  const store = createMemoryStore(now)
  const sessions = createSessions(store, createSealer([new Secret('s'.repeat(32))]), now)
  const begin = (expiresAt?: number) =>
    sessions.begin({
      token: new Secret('a token'),
      identity: { customerId: 7, role: 'Customer', ...(expiresAt !== undefined && { expiresAt }) }
    })
  return { store, sessions, begin, pass: (ms: number) => (at += ms) }
}

t.test('an idle session ends after 15 minutes', async t => {
  const { sessions, begin, pass } = onClock()
  const { cookie } = await begin()
  pass(15 * MINUTE_MS - 1)
  t.ok(await sessions.open(cookie), 'it is used in time')
  pass(15 * MINUTE_MS - 1)
  t.ok(await sessions.open(cookie), 'and each use counts')
  pass(15 * MINUTE_MS)
  t.equal(await sessions.open(cookie), undefined)
})

t.test('a session that is never used ends after 15 minutes, or with its token', async t => {
  const { store, sessions, begin, pass } = onClock()
  const [long, short] = [await begin(), await begin(START + MINUTE_MS)]
  const [first = '', second = ''] = await store.removeAllMembers('sessions-of:7')
  pass(MINUTE_MS - 1)
  t.type(await store.get(second), 'string')
  pass(1)
  t.equal(await store.get(second), undefined, 'its record is gone')
  t.equal(await sessions.open(short.cookie), undefined)
  pass(14 * MINUTE_MS - 1)
  t.type(await store.get(first), 'string')
  pass(1)
  t.equal(await store.get(first), undefined)
  t.equal(await sessions.open(long.cookie), undefined)
})

t.test('a session holds the token, whose it is, and what its role may do', async t => {
  const { sessions, begin } = onClock()
  const { cookie, session } = await begin()
  for (const held of [session, await sessions.open(cookie)]) {
    t.equal(held?.token.reveal(), 'a token')
    t.strictSame(held?.identity, { customerId: 7, role: 'Customer' })
    t.strictSame(held?.scopes, [...scopesOfRole('Customer')])
    t.ok(held?.scopes.length)
  }
})

t.test('sessions of callers whom HOSTKEY does not name are of nobody’s list', async t => {
  const { store, sessions } = onClock()
  const { cookie } = await sessions.begin({ token: new Secret('a token'), identity: {} })
  t.same(await store.removeAllMembers('sessions-of:undefined'), [])
  const { token } = (await sessions.end(cookie)) ?? {}
  t.equal(token?.reveal(), 'a token')
})

t.test('a busy session ends after 8 hours', async t => {
  const { sessions, begin, pass } = onClock()
  const { cookie, session } = await begin(START + 24 * HOUR_MS)
  t.equal(session.expiresAt, START + 8 * HOUR_MS)
  for (let passed = 0; passed < 8 * HOUR_MS - 10 * MINUTE_MS; passed += 10 * MINUTE_MS) {
    pass(10 * MINUTE_MS)
    t.ok(await sessions.open(cookie))
  }
  pass(10 * MINUTE_MS)
  t.equal(await sessions.open(cookie), undefined)
})

t.test('no session outlives its token', async t => {
  const { sessions, begin, pass } = onClock()
  const short = await begin(START + MINUTE_MS)
  const long = await begin(START + HOUR_MS)
  t.equal(short.session.expiresAt, START + MINUTE_MS)
  pass(MINUTE_MS - 1)
  t.ok(await sessions.open(short.cookie))
  pass(1)
  t.equal(await sessions.open(short.cookie), undefined, 'though it was used a moment ago')
  for (let minutes = 1; minutes < 60; minutes += 1) {
    t.ok(await sessions.open(long.cookie))
    pass(MINUTE_MS)
  }
  t.equal(await sessions.open(long.cookie), undefined)
})

t.test('invalid-token when the token has ended before the session begins', async t => {
  const { begin } = onClock()
  for (const expiresAt of [START, START - HOUR_MS]) {
    const error = await begin(expiresAt).then(
      () => undefined,
      (error: unknown) => error
    )
    t.ok(isProblem(error, 'invalid-token'))
  }
})

t.test('ends the oldest of eleven sessions', async t => {
  const { sessions, begin } = onClock()
  const begun = []
  for (let i = 0; i < 11; i += 1) begun.push(await begin())
  const alive = await Promise.all(begun.map(async ({ cookie }) => (await sessions.open(cookie)) !== undefined))
  t.same(alive, [false, ...Array(10).fill(true)])
})

t.test('a session that has ended makes room', async t => {
  const { sessions, begin } = onClock()
  const begun = []
  for (let i = 0; i < 10; i += 1) begun.push(await begin())
  await sessions.end(begun[5]?.cookie ?? new Secret(''))
  await begin()
  t.ok(await sessions.open(begun[0]?.cookie ?? new Secret('')))
})

t.test('opens with its own cookie only', async t => {
  const { sessions, begin } = onClock()
  const [one, other] = [await begin(), await begin()]
  const [id] = one.cookie.reveal().split('.')
  const [, secret] = other.cookie.reveal().split('.')
  const wrong = [
    `${id}.${secret}`,
    `${id}.`,
    `.${secret}`,
    `${id}`,
    '',
    '.',
    `${id}.${secret}.${secret}`,
    `x${one.cookie.reveal()}`,
    `${one.cookie.reveal()}x`,
    'x'.repeat(5000)
  ]
  for (const cookie of wrong) {
    t.equal(await sessions.open(new Secret(cookie)), undefined)
    t.equal(await sessions.end(new Secret(cookie)), undefined)
  }
  t.ok(await sessions.open(one.cookie), 'and no other cookie has ended it')
})

t.test('reads what is in the store, and never writes it back', async t => {
  const { store, sessions, begin } = onClock()
  const { cookie } = await begin()
  const [first, second] = [sessions.open(cookie), sessions.end(cookie)]
  t.ok(await first)
  t.ok(await second)
  t.equal(await sessions.open(cookie), undefined)
  t.same(await store.removeAllMembers('sessions-of:7'), [])
})

t.test('endAll ends every session of one customer', async t => {
  const { sessions, begin } = onClock()
  const begun = [await begin(), await begin(), await begin()]
  t.equal(await sessions.endAll(8), 0)
  t.equal(await sessions.endAll(7), 3)
  for (const { cookie } of begun) t.equal(await sessions.open(cookie), undefined)
  t.equal(await sessions.endAll(7), 0)
})

t.test('endAll counts those that were still there', async t => {
  const { store, sessions, begin } = onClock()
  await begin()
  const records = await store.removeAllMembers('sessions-of:7')
  for (const record of [...records, 'session:gone']) await store.addMember('sessions-of:7', record, 10, HOUR_MS)
  t.equal(await sessions.endAll(7), 1)
})
