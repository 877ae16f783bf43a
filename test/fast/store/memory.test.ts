import t from 'tap'
import { createMemoryStore } from '../../../src/store/memory.ts'

const LIFE_MS = 10_000

/** The bound of the store. */
const MAX_ENTRIES = 200_000

t.test('the memory store is bounded', async t => {
  const store = createMemoryStore()
  await store.put('idle', 'value', LIFE_MS)
  await store.put('in use', 'value', LIFE_MS)
  for (let index = 2; index < MAX_ENTRIES; index += 1) await store.increment(`flood ${index}`, 1, LIFE_MS)

  t.test('drops nothing up to its bound', async t => {
    t.equal(await store.get('idle'), 'value')
    t.equal(await store.touch('in use', LIFE_MS), 'value')
  })

  t.test('drops the least recently used entries beyond it', async t => {
    await store.put('one more', 'value', LIFE_MS)
    await store.put('and another', 'value', LIFE_MS)
    t.equal(await store.get('idle'), undefined)
    t.equal(await store.get('in use'), 'value')
    t.equal(await store.get('one more'), 'value')
  })

  t.test('is empty after close', async t => {
    await store.close()
    t.equal(await store.get('in use'), undefined)
  })
})
