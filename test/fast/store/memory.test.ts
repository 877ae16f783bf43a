import t from 'tap'
import { createMemoryStore } from '../../../src/store/memory.ts'

const LIFE_MS = 600_000

/** The bound of each area. */
const MAX_ENTRIES = 100_000

t.test('the memory store is bounded', async t => {
  const store = createMemoryStore()
  await store.put('session:idle', 'value', LIFE_MS)
  await store.put('session:in use', 'value', LIFE_MS)
  await store.increment('limit:login-account:an account', 9, LIFE_MS)
  await store.increment('limit:ip:first', 1, LIFE_MS)
  for (let index = 1; index < MAX_ENTRIES; index += 1) await store.increment(`limit:ip:${index}`, 1, LIFE_MS)
  t.equal((await store.increment('limit:ip:first', 1, LIFE_MS)).count, 2, 'drops nothing up to its bound')

  t.test('limits displace the oldest limits of their kind, and nothing else', async t => {
    for (let index = 0; index < 10; index += 1) await store.increment(`limit:ip:more ${index}`, 1, LIFE_MS)
    t.equal((await store.increment('limit:ip:first', 1, LIFE_MS)).count, 1)
    t.equal((await store.increment('limit:login-account:an account', 1, LIFE_MS)).count, 10)
    t.equal(await store.get('session:idle'), 'value')
  })

  t.test('sessions displace the least recently used', async t => {
    for (let index = 1; index < MAX_ENTRIES; index += 1) {
      if (index === MAX_ENTRIES / 2) await store.touch('session:in use', LIFE_MS)
      await store.put(`session:${index}`, 'value', LIFE_MS)
    }
    t.equal(await store.get('session:idle'), undefined)
    t.equal(await store.get('session:in use'), 'value')
  })

  t.test('entries that have expired are removed by later writes', async t => {
    let now = 0
    const store = createMemoryStore(() => now)
    for (let index = 0; index < 5000; index += 1) await store.put(`deleted:${index}`, 'sent', LIFE_MS)
    now += LIFE_MS
    for (let index = 5000; index < 10_000; index += 1) await store.put(`deleted:${index}`, 'sent', LIFE_MS)
    // What is still there counts as alive again.
    now -= LIFE_MS
    t.equal((await store.keys('deleted:')).length, 5000)
  })

  t.test('is empty after close', async t => {
    await store.close()
    t.equal(await store.get('session:in use'), undefined)
  })
})
