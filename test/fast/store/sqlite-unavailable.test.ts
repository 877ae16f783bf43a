import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import {
  BUCKETS,
  isRefusedGently,
  linesWith,
  MAX_RECOVERY_MS,
  probe,
  timeUntil
} from '../../guarantees/redis-outage/stage.ts'
import { replicas, temporaryFolder } from '../../support/harness/replicas.ts'

t.test('a gateway whose SQLite file another process keeps locked', async t => {
  const folder = temporaryFolder(t)
  const env = { SESSION_STORE: 'sqlite', DATA_DIR: folder, RATE_LIMIT_MAX: '20' }
  const { at, browserAt, service } = await replicas(t, env, { count: 1 })
  const gateway = at(0)
  const browser = await browserAt(0)
  const holder = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(async () => holder.close())
  holder.exec('BEGIN IMMEDIATE')

  t.test('503 store-unavailable for a cookie, which is not cleared', async t => {
    for (const reply of await Promise.all([browser.get(BUCKETS), browser.get(BUCKETS)])) isRefusedGently(t, reply)
  })

  t.test('200 for bearers and services, and 429 at the usual limit', async t => {
    t.equal((await gateway.get(BUCKETS, service)).statusCode, 200)
    const statuses: number[] = []
    while (statuses.length < 25) statuses.push((await gateway.get(BUCKETS)).statusCode)
    // The first request may count for the network alone: the token was not accepted yet.
    t.strictSame([...new Set(statuses.slice(0, 20))], [200])
    t.strictSame([...new Set(statuses.slice(21))], [429])
    t.equal(await probe(gateway, 'readyz'), 503)
    t.equal(linesWith(gateway, 'the store does not answer'), 1)
  })

  t.test(`200 within ${MAX_RECOVERY_MS} ms after the lock is released`, async t => {
    holder.exec('COMMIT')
    const ms = await timeUntil(async () => (await browser.get('/session')).statusCode === 200)
    t.ok(ms <= MAX_RECOVERY_MS, `${ms.toFixed(0)} ms`)
  })
})
