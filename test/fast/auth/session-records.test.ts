import t from 'tap'
import { scopesOfRole } from '../../../schemas/scopes.ts'
import { createSealer } from '../../../src/auth/seal.ts'
import { createSessionRecords } from '../../../src/auth/session-records.ts'
import { isProblem } from '../../../src/core/problem.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createMemoryStore } from '../../../src/store/memory.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START = Date.UTC(2026, 0, 1)

/** Session records on a clock that the test advances. */
const withClock = () => {
  let at = START
  const now = () => at
  const store = createMemoryStore(now)
  const records = createSessionRecords(store, createSealer([new Secret('s'.repeat(32))]), now)
  const create = (expiresAt?: number) =>
    records.create({
      token: new Secret('a token'),
      identity: { customerId: 7, role: 'Customer', ...(expiresAt !== undefined && { expiresAt }) }
    })
  const open = async (cookie: Secret) => (await records.open(cookie)).session
  return { store, records: { ...records, open }, create, pass: (ms: number) => (at += ms) }
}

t.test('an idle session ends after 15 minutes', async t => {
  const { records, create, pass } = withClock()
  const { cookie } = await create()
  pass(15 * MINUTE_MS - 1)
  t.ok(await records.open(cookie), 'used in time')
  pass(15 * MINUTE_MS - 1)
  t.ok(await records.open(cookie), 'each use restarts the 15 minutes')
  pass(15 * MINUTE_MS)
  t.equal(await records.open(cookie), undefined)
})

t.test(
  'a session that is never used is removed from the store after 15 minutes, or when its token expires',
  async t => {
    const { store, records, create, pass } = withClock()
    const [long, short] = [await create(), await create(START + MINUTE_MS)]
    const [first = '', second = ''] = await store.removeAllMembers('sessions-of:7')
    pass(MINUTE_MS - 1)
    t.type(await store.get(second), 'string')
    pass(1)
    t.equal(await store.get(second), undefined)
    t.equal(await records.open(short.cookie), undefined)
    pass(14 * MINUTE_MS - 1)
    t.type(await store.get(first), 'string')
    pass(1)
    t.equal(await store.get(first), undefined)
    t.equal(await records.open(long.cookie), undefined)
  }
)

t.test('a session holds the token, its identity, and the scopes of its role', async t => {
  const { records, create } = withClock()
  const { cookie, session } = await create()
  for (const each of [session, await records.open(cookie)]) {
    t.equal(each?.token.reveal(), 'a token')
    t.strictSame(each?.identity, { customerId: 7, role: 'Customer' })
    t.strictSame(each?.scopes, [...scopesOfRole('Customer')])
    t.ok(each?.scopes.length)
  }
})

t.test('a session without a customer belongs to no list of sessions', async t => {
  const { store, records } = withClock()
  const { cookie } = await records.create({ token: new Secret('a token'), identity: {} })
  t.same(await store.removeAllMembers('sessions-of:undefined'), [])
  const { token } = (await records.remove(cookie)) ?? {}
  t.equal(token?.reveal(), 'a token')
})

t.test('a busy session ends after 8 hours', async t => {
  const { records, create, pass } = withClock()
  const { cookie, session } = await create(START + 24 * HOUR_MS)
  t.equal(session.expiresAt, START + 8 * HOUR_MS)
  for (let passed = 0; passed < 8 * HOUR_MS - 10 * MINUTE_MS; passed += 10 * MINUTE_MS) {
    pass(10 * MINUTE_MS)
    t.ok(await records.open(cookie))
  }
  pass(10 * MINUTE_MS)
  t.equal(await records.open(cookie), undefined)
})

t.test('a session ends with its token at the latest', async t => {
  const { records, create, pass } = withClock()
  const short = await create(START + MINUTE_MS)
  const long = await create(START + HOUR_MS)
  t.equal(short.session.expiresAt, START + MINUTE_MS)
  pass(MINUTE_MS - 1)
  t.ok(await records.open(short.cookie))
  pass(1)
  t.equal(await records.open(short.cookie), undefined, 'although it was used 1 ms before')
  for (let minutes = 1; minutes < 60; minutes += 1) {
    t.ok(await records.open(long.cookie))
    pass(MINUTE_MS)
  }
  t.equal(await records.open(long.cookie), undefined)
})

t.test('invalid-token when the token has already expired', async t => {
  const { create } = withClock()
  for (const expiresAt of [START, START - HOUR_MS]) {
    const error = await create(expiresAt).then(
      () => undefined,
      (error: unknown) => error
    )
    t.ok(isProblem(error, 'invalid-token'))
  }
})

t.test('a session that is used again is not unsealed again', async t => {
  const sealer = createSealer([new Secret('s'.repeat(32))])
  let opened = 0
  const open: typeof sealer.open = (...sealed) => {
    opened += 1
    return sealer.open(...sealed)
  }
  const records = createSessionRecords(createMemoryStore(), { ...sealer, open })
  const { cookie } = await records.create({ token: new Secret('a token'), identity: {} })
  for (let n = 0; n < 3; n += 1) t.equal((await records.open(cookie)).session?.token.reveal(), 'a token')
  t.equal(opened, 1)
})

t.test('an eleventh session ends the oldest', async t => {
  const { records, create } = withClock()
  const created = []
  for (let i = 0; i < 11; i += 1) created.push(await create())
  const alive = await Promise.all(created.map(async ({ cookie }) => (await records.open(cookie)) !== undefined))
  t.same(alive, [false, ...Array(10).fill(true)])
})

t.test('an ended session does not count towards the ten', async t => {
  const { records, create } = withClock()
  const created = []
  for (let i = 0; i < 10; i += 1) created.push(await create())
  await records.remove(created[5]?.cookie ?? new Secret(''))
  await create()
  t.ok(await records.open(created[0]?.cookie ?? new Secret('')))
})

t.test('a session opens and ends with its own cookie only', async t => {
  const { records, create } = withClock()
  const [one, other] = [await create(), await create()]
  for (const { cookie } of [one, other]) t.ok(await records.open(cookie), 'kept in memory from now on')
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
    t.equal(await records.open(new Secret(cookie)), undefined)
    t.equal(await records.remove(new Secret(cookie)), undefined)
  }
  t.ok(await records.open(one.cookie), 'no other cookie has ended it')
})

t.test('a request in flight does not bring back a removed session', async t => {
  const { store, records, create } = withClock()
  const { cookie } = await create()
  const [first, second] = [records.open(cookie), records.remove(cookie)]
  t.ok(await first)
  t.ok(await second)
  t.equal(await records.open(cookie), undefined)
  t.same(await store.removeAllMembers('sessions-of:7'), [])
})

t.test('removeAll ends every session of one customer', async t => {
  const { records, create } = withClock()
  const created = [await create(), await create(), await create()]
  for (const { cookie } of created) t.ok(await records.open(cookie), 'kept in memory from now on')
  t.equal(await records.removeAll(8), 0)
  t.equal(await records.removeAll(7), 3)
  for (const { cookie } of created) t.equal(await records.open(cookie), undefined)
  t.equal(await records.removeAll(7), 0)
})

t.test('removeAll counts the sessions that still existed', async t => {
  const { store, records, create } = withClock()
  await create()
  await store.addMember('sessions-of:7', 'session:gone', 10, HOUR_MS)
  t.equal(await records.removeAll(7), 1)
})
