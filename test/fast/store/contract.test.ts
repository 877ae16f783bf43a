import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createMemoryStore } from '../../../src/store/memory.ts'
import { createRedisStore } from '../../../src/store/redis.ts'
import { createSqliteStore } from '../../../src/store/sqlite.ts'
import type { Store } from '../../../src/store/store.ts'
import { redisAt, redisServer } from '../../support/harness/redis.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

interface Opened {
  store: Store
  /** Advances the clock of the store. */
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
    return { store: await createRedisStore(redisAt(url)), age }
  }
}

const LIFE_MS = 10_000
const inParallel = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

for (const [kind, open] of Object.entries(kinds)) {
  t.test(`the ${kind} store`, async t => {
    const { store, age } = await open(t)
    t.after(() => store.close())

    t.test('get returns the value that was put last', async t => {
      for (const value of ['first', '', '"quoted" \\ \n \u0000 é 漢 🚀', 'x'.repeat(100_000)]) {
        await store.put('text', value, LIFE_MS)
        t.equal(await store.get('text'), value)
      }
      t.equal(await store.get('nothing'), undefined)
      t.equal(await store.check(), undefined)
    })

    t.test('a value expires', async t => {
      await store.put('expiring', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.get('expiring'), 'value')
      await age(501)
      t.equal(await store.get('expiring'), undefined)
      t.equal(await store.touch('expiring', LIFE_MS), undefined)
      t.equal(await store.get('expiring'), undefined, 'touch does not recreate it')
      t.equal(await store.remove('expiring'), false)
    })

    t.test('touch sets a new time to live, longer or shorter', async t => {
      await store.put('session', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.touch('session', LIFE_MS), 'value')
      await age(LIFE_MS - 500)
      t.equal(await store.touch('session', 1000), 'value')
      await age(1001)
      t.equal(await store.get('session'), undefined)
    })

    t.test('get does not extend the time to live', async t => {
      await store.put('idle', 'value', LIFE_MS)
      await age(LIFE_MS - 500)
      t.equal(await store.get('idle'), 'value')
      await age(501)
      t.equal(await store.get('idle'), undefined)
    })

    t.test('touch never recreates a removed value', async t => {
      for (let round = 0; round < 20; round += 1) {
        await store.put('logout', 'value', LIFE_MS)
        const touches = inParallel(10, () => store.touch('logout', LIFE_MS))
        const removed = store.remove('logout')
        await inParallel(10, () => store.touch('logout', LIFE_MS))
        await touches
        t.equal(await removed, true)
        t.equal(await store.get('logout'), undefined)
      }
      t.equal(await store.remove('logout'), false, 'it is removed once')
    })

    t.test('one of many concurrent claims succeeds, and the next one after it has expired', async t => {
      const claims = await inParallel(50, index => store.claim('lock', `owner ${index}`, LIFE_MS))
      t.equal(claims.filter(Boolean).length, 1)
      t.equal(await store.get('lock'), `owner ${claims.indexOf(true)}`)
      await age(LIFE_MS + 1)
      t.equal(await store.claim('lock', 'next', LIFE_MS), true)
    })

    t.test('release works for the owner only', async t => {
      await store.claim('mine', 'me', LIFE_MS)
      await store.release('mine', 'another')
      t.equal(await store.claim('mine', 'another', LIFE_MS), false)
      await store.release('mine', 'me')
      t.equal(await store.claim('mine', 'another', LIFE_MS), true)
      await store.release('never claimed', 'me')
    })

    t.test('increment adds to a counter whose window starts with the first increment', async t => {
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

    t.test('concurrent increments are all counted', async t => {
      const counts = await inParallel(100, async () => await store.increment('busy', 2, LIFE_MS))
      t.strictSame(
        counts.map(({ count }) => count).sort((a, b) => a - b),
        Array.from({ length: 100 }, (_, index) => (index + 1) * 2)
      )
    })

    t.test('admit counts in turn, up to the first limit that is exceeded', async t => {
      const limit = (key: string, max: number) => ({ key, by: 2, windowMs: LIFE_MS, max })
      const counted = async () => {
        const { counts, record } = await store.admit([limit('wide', 9), limit('narrow', 2), limit('last', 9)])
        t.equal(record, undefined)
        t.ok(counts.every(({ ttlMs }) => ttlMs > LIFE_MS - 500 && ttlMs <= LIFE_MS))
        return counts.map(({ count }) => count)
      }
      t.strictSame(await counted(), [2, 2, 2])
      t.strictSame(await counted(), [4, 4])
      t.equal((await store.increment('last', 0, LIFE_MS)).count, 2)
      t.strictSame((await store.admit([])).counts, [])
    })

    t.test('admit touches a record, and counts against the limits of its owner', async t => {
      const limit = (key: string, max = 9) => ({ key, by: 1, windowMs: LIFE_MS, max })
      const admitted = async (key: string, max: number) => {
        const owned = { key, ttlMs: LIFE_MS, limits: [limit('of:'), limit('strict:', 1), limit('rest:')] }
        const { counts, record } = await store.admit([limit('first', max)], owned)
        return [counts.map(({ count }) => count), record]
      }
      await store.put('record', 'an-owner a-text', 1000)
      t.strictSame(await admitted('record', 2), [[1, 1, 1, 1], 'an-owner a-text'])
      await age(1001)
      t.strictSame(await admitted('record', 2), [[2, 2, 2], 'an-owner a-text'], 'it lives longer')
      t.strictSame(await admitted('record', 2), [[3], undefined], 'a limit before the record is exceeded')
      t.strictSame(await admitted('no record', 9), [[4], undefined])
      t.equal((await store.increment('of:an-owner', 0, LIFE_MS)).count, 2)
    })

    t.test('admit finds no record without those that it needs, and extends none without a time', async t => {
      const limits = [{ key: 'of:', by: 1, windowMs: LIFE_MS, max: 9 }]
      const admitted = async (key: string) => {
        const { counts, record } = await store.admit([], { key, ttlMs: undefined, limits })
        return [counts.length, record]
      }
      await store.put('parent', 'an-owner a-text', LIFE_MS)
      await store.put('grandparent', 'an-owner a-text', LIFE_MS)
      await store.put('child', 'an-owner parent,grandparent a-text', LIFE_MS)
      await store.put('single', 'an-owner  a-text', LIFE_MS)
      t.strictSame(await admitted('child'), [1, 'an-owner parent,grandparent a-text'])
      t.strictSame(await admitted('single'), [1, 'an-owner  a-text'])
      await store.remove('grandparent')
      t.strictSame(await admitted('child'), [0, undefined])
      t.strictSame(await admitted('single'), [1, 'an-owner  a-text'])
      await age(LIFE_MS + 1)
      t.strictSame(await admitted('single'), [0, undefined], 'it lives no longer')
    })

    t.test('getAll and members read several at once', async t => {
      await store.put('one', '1', LIFE_MS)
      t.strictSame(await store.getAll(['one', 'none', 'one']), ['1', undefined, '1'])
      t.strictSame(await store.getAll([]), [])
      t.strictSame(await store.members('nobody'), [])
      for (const member of ['a', 'b']) await store.addMember('those', member, 3, LIFE_MS)
      t.strictSame(await store.members('those'), ['a', 'b'])
    })

    t.test('addMember removes the oldest members beyond the maximum', async t => {
      for (const member of ['a', 'b', 'c']) t.strictSame(await store.addMember('set', member, 3, LIFE_MS), [])
      t.strictSame(await store.addMember('set', 'd', 3, LIFE_MS), ['a'])
      t.strictSame(await store.addMember('set', 'b', 3, LIFE_MS), [], 'a member that is added again becomes the newest')
      t.strictSame(await store.addMember('set', 'e', 2, LIFE_MS), ['c', 'd'])
      t.strictSame(await store.removeAllMembers('set'), ['b', 'e'])
      t.strictSame(await store.removeAllMembers('set'), [])
    })

    t.test('the time to live of a set starts with the member that was added last', async t => {
      await store.addMember('aging', 'a', 3, LIFE_MS)
      await age(LIFE_MS - 500)
      await store.addMember('aging', 'b', 3, LIFE_MS)
      await age(LIFE_MS - 500)
      await store.removeMember('aging', 'a')
      await age(501)
      t.strictSame(await store.removeAllMembers('aging'), [], 'removeMember does not extend it')
    })

    t.test('removeMember removes one member, and creates no set', async t => {
      for (const member of ['a', 'b', 'c']) await store.addMember('club', member, 9, LIFE_MS)
      await store.removeMember('club', 'b')
      await store.removeMember('club', 'stranger')
      await store.removeMember('no club', 'a')
      t.strictSame(await store.removeAllMembers('club'), ['a', 'c'])
      t.strictSame(await store.removeAllMembers('no club'), [])
    })

    t.test('countMarked counts each member once, until its time is over or it is unmarked', async t => {
      t.equal(await store.countMarked('live-things'), 0)
      await store.mark('live-things', 'short', LIFE_MS)
      await store.mark('live-things', 'long', 2 * LIFE_MS)
      await store.mark('live-things', 'again', LIFE_MS)
      await store.mark('live-things', 'again', 2 * LIFE_MS)
      await store.mark('live-others', 'other', LIFE_MS)
      t.equal(await store.countMarked('live-things'), 3)
      await age(LIFE_MS + 500)
      t.equal(await store.countMarked('live-things'), 2)
      await store.unmark('live-things', 'long')
      await store.unmark('live-things', 'nobody')
      t.equal(await store.countMarked('live-things'), 1)
      await store.mark('live-things', 'new', 1000)
      await age(1500)
      t.equal(await store.countMarked('live-things'), 1, 'the time of the others stays')
    })

    t.test('keys returns the keys with a prefix that have not expired', async t => {
      for (const key of ['listed:a', 'listed:b', 'listed-c']) await store.put(key, key, 2 * LIFE_MS)
      await store.put('listed:short', '', LIFE_MS)
      await age(LIFE_MS + 1)
      t.same((await store.keys('listed:')).sort(), ['listed:a', 'listed:b'])
      t.same(await store.keys('unlisted:'), [])
    })

    t.test('now is the time in milliseconds, and advances', async t => {
      const before = await store.now()
      t.ok(Math.abs(before - Date.now()) < 5000, `${before}`)
      await pause(5)
      t.ok((await store.now()) > before)
    })

    t.test('concurrent addMember calls lose no member', async t => {
      const evicted = await inParallel(30, index => store.addMember('crowd', `${index}`, 10, LIFE_MS))
      const all = [...evicted.flat(), ...(await store.removeAllMembers('crowd'))]
      t.equal(evicted.flat().length, 20)
      t.equal(new Set(all).size, 30)
    })
  })
}
