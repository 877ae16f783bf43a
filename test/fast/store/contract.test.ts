import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { createRedisStore } from '../../../src/store/redis.ts'
import { createSqliteStore } from '../../../src/store/sqlite.ts'
import type { Store } from '../../../src/store/store.ts'
import { redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

/** Other test files run at the same time, and the first may have to install Redis. */
t.setTimeout(110_000)

interface Opened {
  store: Store
  /** Lets so much time go by: nobody sleeps. */
  age(ms: number): unknown
}

const clock = () => {
  let time = 1_700_000_000_000
  return { now: () => time, age: (ms: number) => (time += ms) }
}

const kinds: Record<string, (t: Test) => Promise<Opened>> = {
  memory: async () => {
    const { now, age } = clock()
    return { store: createMemoryStore(now), age }
  },
  sqlite: async t => {
    const { now, age } = clock()
    return { store: createSqliteStore(temporaryFolder(t), { now }), age }
  },
  redis: async t => {
    const { url, age } = await redisServer(t)
    return { store: await createRedisStore(url), age }
  }
}

const LIFE_MS = 10_000
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

for (const [kind, open] of Object.entries(kinds)) {
  t.test(`the ${kind} store`, async t => {
    const { store, age } = await open(t)
    t.after(() => store.close())

    t.test('gives back what was put, and the last of it', async t => {
      for (const value of ['first', '', '"quoted" \\ \n \u0000 é 漢 🚀', 'x'.repeat(100_000)]) {
        await store.put('text', value, LIFE_MS)
        t.equal(await store.get('text'), value)
      }
      t.equal(await store.get('nothing'), undefined)
      t.equal(await store.isUp(), true)
    })

    t.test('forgets a value when its life is over', async t => {
      await store.put('mortal', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.get('mortal'), 'value')
      await age(501)
      t.equal(await store.get('mortal'), undefined)
      t.equal(await store.touch('mortal', LIFE_MS), undefined)
      t.equal(await store.get('mortal'), undefined, 'touch does not bring it back')
      t.equal(await store.remove('mortal'), false)
    })

    t.test('touch gives the value a new life, shorter or longer', async t => {
      await store.put('session', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.touch('session', LIFE_MS), 'value')
      await age(LIFE_MS - 500)
      t.equal(await store.touch('session', 1000), 'value')
      await age(1001)
      t.equal(await store.get('session'), undefined)
    })

    t.test('get gives no new life', async t => {
      await store.put('idle', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.get('idle'), 'value')
      await age(501)
      t.equal(await store.get('idle'), undefined)
    })

    t.test('touch never brings a removed value back', async t => {
      for (let round = 0; round < 20; round += 1) {
        await store.put('logout', 'value', LIFE_MS)
        const touches = many(10, () => store.touch('logout', LIFE_MS))
        const removed = store.remove('logout')
        await many(10, () => store.touch('logout', LIFE_MS))
        await touches
        t.equal(await removed, true)
        t.equal(await store.get('logout'), undefined)
      }
      t.equal(await store.remove('logout'), false, 'a second time there is nothing to remove')
    })

    t.test('claim is for one of many, until it is over', async t => {
      const claims = await many(50, index => store.claim('lock', `owner ${index}`, LIFE_MS))
      t.equal(claims.filter(Boolean).length, 1)
      t.equal(await store.get('lock'), `owner ${claims.indexOf(true)}`)
      await age(LIFE_MS + 1)
      t.equal(await store.claim('lock', 'next', LIFE_MS), true)
    })

    t.test('release is for the owner', async t => {
      await store.claim('mine', 'me', LIFE_MS)
      await store.release('mine', 'another')
      t.equal(await store.claim('mine', 'another', LIFE_MS), false)
      await store.release('mine', 'me')
      t.equal(await store.claim('mine', 'another', LIFE_MS), true)
      await store.release('never claimed', 'me')
    })

    t.test('increment counts by its cost in a window that begins with the first', async t => {
      const first = await store.increment('limit', 3, LIFE_MS)
      t.equal(first.count, 3)
      t.ok(first.ttlMs > LIFE_MS - 500 && first.ttlMs <= LIFE_MS, `${first.ttlMs}`)
      await age(LIFE_MS - 1000)
      const second = await store.increment('limit', 1, LIFE_MS)
      t.equal(second.count, 4)
      t.ok(second.ttlMs > 0 && second.ttlMs <= 1000, 'the window does not move')
      await age(1001)
      t.equal((await store.increment('limit', 1, LIFE_MS)).count, 1, 'a new window')
    })

    t.test('increment counts everyone of many at the same time', async t => {
      const counts = await many(100, () => store.increment('busy', 2, LIFE_MS))
      t.strictSame(
        counts.map(({ count }) => count).sort((a, b) => a - b),
        Array.from({ length: 100 }, (_, index) => (index + 1) * 2)
      )
    })

    t.test('addMember takes out the oldest beyond the most', async t => {
      for (const member of ['a', 'b', 'c']) t.strictSame(await store.addMember('set', member, 3, LIFE_MS), [])
      t.strictSame(await store.addMember('set', 'd', 3, LIFE_MS), ['a'])
      t.strictSame(await store.addMember('set', 'b', 3, LIFE_MS), [], 'who is there already becomes the youngest')
      t.strictSame(await store.addMember('set', 'e', 2, LIFE_MS), ['c', 'd'])
      t.strictSame(await store.removeAllMembers('set'), ['b', 'e'])
      t.strictSame(await store.removeAllMembers('set'), [])
    })

    t.test('a set lives from its last member on', async t => {
      await store.addMember('aging', 'a', 3, LIFE_MS)
      await age(LIFE_MS - 500)
      await store.addMember('aging', 'b', 3, LIFE_MS)
      await age(LIFE_MS - 500)
      await store.removeMember('aging', 'a')
      await age(501)
      t.strictSame(await store.removeAllMembers('aging'), [], 'to leave it gives no new life')
    })

    t.test('removeMember takes one member out, and makes no set', async t => {
      for (const member of ['a', 'b', 'c']) await store.addMember('club', member, 9, LIFE_MS)
      await store.removeMember('club', 'b')
      await store.removeMember('club', 'stranger')
      await store.removeMember('no club', 'a')
      t.strictSame(await store.removeAllMembers('club'), ['a', 'c'])
      t.strictSame(await store.removeAllMembers('no club'), [])
    })

    t.test('now is a time in milliseconds that goes on', async t => {
      const before = await store.now()
      t.ok(Math.abs(before - Date.now()) < 5000, `${before}`)
      await pause(5)
      t.ok((await store.now()) > before)
    })

    t.test('addMember loses nobody of many at the same time', async t => {
      const evicted = await many(30, index => store.addMember('crowd', `${index}`, 10, LIFE_MS))
      const all = [...evicted.flat(), ...(await store.removeAllMembers('crowd'))]
      t.equal(evicted.flat().length, 20)
      t.equal(new Set(all).size, 30)
    })
  })
}
