import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import t from 'tap'
import { createSqliteStore } from '../../../src/store/sqlite.ts'
import { StoreUnavailable } from '../../../src/store/store.ts'
import { timeUntil } from '../../guarantees/redis-outage/stage.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'
import { atOnce } from './at-once.ts'

const LIFE_MS = 60_000

const module = (path: string) => new URL(`../../../${path}`, import.meta.url).href

/** What each of three processes does with the file, at the same time. */
const WORK = `
import { createSqliteStore } from '${module('src/store/sqlite.ts')}'
const store = createSqliteStore(process.argv[1])
const rounds = Array.from({ length: 100 }, (_, index) => index)
const counts = await Promise.all(rounds.map(async () => (await store.increment('limit', 1, ${LIFE_MS})).count))
const claimed = []
for (const round of rounds) if (await store.claim('round ' + round, String(process.pid), ${LIFE_MS})) claimed.push(round)
console.log(JSON.stringify({ counts, claimed }))
await store.close()`

const work = async (folder: string): Promise<{ counts: number[]; claimed: number[] }> =>
  JSON.parse((await promisify(execFile)(process.execPath, ['--input-type=module', '-e', WORK, folder])).stdout)

t.test('processes that share a SQLite file', async t => {
  const folder = join(temporaryFolder(t), 'made', 'at the start')
  const results = await Promise.all([work(folder), work(folder), work(folder)])
  const sorted = (key: 'counts' | 'claimed') => results.flatMap(result => result[key]).sort((a, b) => a - b)

  t.test('share one counter', async t => {
    t.strictSame(
      sorted('counts'),
      Array.from({ length: 300 }, (_, index) => index + 1)
    )
  })
  t.test('succeed in each claim once', async t => {
    t.strictSame(
      sorted('claimed'),
      Array.from({ length: 100 }, (_, index) => index)
    )
  })
  t.test('leave the file to the next process; other users cannot read it', async t => {
    const store = createSqliteStore(folder)
    t.equal((await store.increment('limit', 1, LIFE_MS)).count, 301)
    await store.close()
    t.equal(statSync(folder).mode & 0o077, 0)
  })
})

t.test('a SQLite file that another process keeps locked', async t => {
  const folder = temporaryFolder(t)
  const reports: (string | undefined)[] = []
  const store = createSqliteStore(folder, { report: fault => reports.push(fault?.cause) })
  const holder = new DatabaseSync(join(folder, 'store.sqlite'))
  t.after(async () => {
    holder.close()
    await store.close()
  })
  await store.put('session', 'value', LIFE_MS)

  t.test('is waited for until the lock is released', async t => {
    holder.exec('BEGIN IMMEDIATE')
    const value = store.touch('session', LIFE_MS)
    // The store has found the file locked by now, and tries again.
    holder.exec('COMMIT')
    t.equal(await value, 'value')
  })

  t.test('StoreUnavailable after the wait, and at once for later commands', async t => {
    holder.exec('BEGIN IMMEDIATE')
    let longestStop = 0
    let last = performance.now()
    const ticks = setInterval(() => {
      longestStop = Math.max(longestStop, performance.now() - last)
      last = performance.now()
    }, 1)
    await t.rejects(store.touch('session', LIFE_MS), StoreUnavailable)
    clearInterval(ticks)
    t.ok(longestStop < 1000, `the event loop was blocked for ${longestStop.toFixed(0)} ms`)
    for (let tries = 0; tries < 100; tries += 1) t.ok((await atOnce(store.get('session'))) instanceof StoreUnavailable)
    t.ok(await atOnce(store.check()), 'is not available')
  })

  t.test('is available again within 500 ms', async t => {
    holder.exec('COMMIT')
    const ms = await timeUntil(async () => (await store.check()) === undefined)
    t.ok(ms <= 500, `${ms.toFixed(0)} ms`)
    t.equal(await store.get('session'), 'value')
    t.ok(await eventually(() => reports.length === 2))
    t.strictSame(reports, ['locked', undefined])
  })
})

t.test('a SQLite store', async t => {
  t.test('removes expired rows from the file', async t => {
    const folder = temporaryFolder(t)
    let time = 1_700_000_000_000
    const store = createSqliteStore(folder, { now: () => time })
    for (let index = 0; index < 600; index += 1) await store.put(`old ${index}`, 'value', LIFE_MS)
    time += LIFE_MS + 1
    for (let index = 0; index < 600; index += 1) await store.put(`new ${index}`, 'value', LIFE_MS)
    await store.close()
    const file = new DatabaseSync(join(folder, 'store.sqlite'))
    const { rows } = file.prepare('SELECT count(*) AS rows FROM entries').get() as { rows: number }
    file.close()
    t.equal(rows, 600)
  })

  t.test('runs the commands of one moment in one transaction', async t => {
    const folder = temporaryFolder(t)
    const store = createSqliteStore(folder)
    const sizeOfLog = () => statSync(join(folder, 'store.sqlite-wal')).size
    await store.increment('limit', 1, LIFE_MS)
    const before = sizeOfLog()
    const counts = await Promise.all(Array.from({ length: 100 }, () => store.increment('limit', 1, LIFE_MS)))
    t.equal(counts.at(-1)?.count, 101)
    t.ok(sizeOfLog() - before < 20_000, 'a transaction of its own would write 4 kB for each')
    await store.close()
  })

  t.test('a command that fails does not fail those of the same moment, and nothing of them counts twice', async t => {
    const store = createSqliteStore(temporaryFolder(t))
    await store.put('set', 'no list', LIFE_MS)
    const [first, broken, second] = await Promise.allSettled([
      store.increment('limit', 1, LIFE_MS),
      store.members('set'),
      store.increment('limit', 1, LIFE_MS)
    ])
    t.match([first, broken, second], [{ value: { count: 1 } }, { status: 'rejected' }, { value: { count: 2 } }])
    await store.close()
  })

  t.test('runs what waits before it closes', async t => {
    const folder = temporaryFolder(t)
    const store = createSqliteStore(folder)
    const put = store.put('a', 'b', LIFE_MS)
    await store.close()
    await put
    const reopened = createSqliteStore(folder)
    t.equal(await reopened.get('a'), 'b')
    await reopened.close()
  })

  t.test('StoreUnavailable for every command after close', async t => {
    const store = createSqliteStore(temporaryFolder(t))
    await store.close()
    await t.rejects(store.touch('a', LIFE_MS), StoreUnavailable)
    await t.rejects(store.get('a'), StoreUnavailable)
    await t.rejects(store.put('a', 'b', LIFE_MS), StoreUnavailable)
    await t.rejects(store.claim('a', 'b', LIFE_MS), StoreUnavailable)
    await t.rejects(store.release('a', 'b'), StoreUnavailable)
    await t.rejects(store.remove('a'), StoreUnavailable)
    await t.rejects(async () => await store.increment('a', 1, LIFE_MS), StoreUnavailable)
    await t.rejects(store.addMember('a', 'b', 1, LIFE_MS), StoreUnavailable)
    await t.rejects(store.removeMember('a', 'b'), StoreUnavailable)
    await t.rejects(store.removeAllMembers('a'), StoreUnavailable)
    t.ok(await store.check(), 'is not available')
  })
})
