import { createHash, randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readCommandLine, runCommand } from '../../src/core/command-line.ts'
import { backUpLedger } from '../../src/domain/orders/ledger/backup.ts'
import { createLedger, type Ledger, ORDER_MS } from '../../src/domain/orders/ledger/ledger.ts'
import { createDurableSqlite } from '../../src/store/durable.ts'
import { createRedisStore } from '../../src/store/redis.ts'
import { createSqliteStore } from '../../src/store/sqlite.ts'
import { redisAt, redisServer } from '../support/harness/redis.ts'
import { temporaryFolder } from '../support/harness/replicas.ts'

const { values } = readCommandLine({
  usage: `npm run growth -- [--orders 1000000]

How large the order ledger is after this many orders within 30 days, in SQLite and in Redis; how long an order writes to it at the
start and at the end; a backup while it is used; and how fast it forgets what has expired. The orders in between are copies of
a real one, written in bulk. Takes some minutes, 6 GB of disk and 2 GB of memory for a million. docs/how-to/observe.md has the figures.
`,
  options: { orders: { type: 'string', default: '1000000' } }
})

const ORDERS = Number(values.orders)
/** Real orders whose writes are timed, at the start and at the end. */
const TIMED = 200
const TENANT = '1002'
const MB = 2 ** 20

const say = (figure: string) => process.stdout.write(`# growth: ${figure}\n`)

/** An order as the ledger sees it: claimed, sent, done. */
const placeOrder = async (ledger: Ledger): Promise<void> => {
  const keyHash = createHash('sha256').update(randomUUID()).digest('hex')
  const requested = { planId: 2, bucketName: `bucket-${randomUUID()}`, location: 'NL' }
  const claim = await ledger.claim({ tenant: TENANT, action: 'create_order', keyHash, fingerprint: keyHash, requested })
  if (claim.kind !== 'new') throw new Error(`a new order is ${claim.kind}`)
  const sent = await ledger.record(claim.claimed, { state: 'sent', sentAt: Date.now(), accountsBefore: ['s3_user_1'] })
  const created = { s3uid: `s3_user_${randomUUID()}`, bucket: requested.bucketName }
  if (!sent || !(await ledger.record(sent, { state: 'done', created }))) throw new Error('the order was taken over')
  await claim.lease.end()
}

/** Milliseconds of real orders: `0.8 ms, 1.9 at the 99th percentile`. */
const timedOrders = async (ledger: Ledger): Promise<string> => {
  const ms: number[] = []
  for (let i = 0; i < TIMED; i += 1) {
    const startedAt = performance.now()
    await placeOrder(ledger)
    ms.push(performance.now() - startedAt)
  }
  ms.sort((a, b) => a - b)
  const at = (share: number) => ms[Math.floor(TIMED * share)]?.toFixed(1)
  return `${at(0.5)} ms, ${at(0.99)} at the 99th percentile`
}

const compare = async (name: string, ledger: Ledger, fill: () => unknown) => {
  await timedOrders(ledger)
  const before = await timedOrders(ledger)
  await fill()
  const after = await timedOrders(ledger)
  say(`${name}: the writes of an order take ${before} at the start, ${after} after ${ORDERS} orders`)
}

/** Copies of the last order's rows under other names, which expire evenly over 30 days. */
const FILL_SQLITE = `
WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < $orders),
  names AS MATERIALIZED (SELECT n, lower(hex(randomblob(32))) AS name FROM copies)
INSERT INTO entries SELECT $prefix || name, $value, $now + $life * n / $orders FROM names`

const sqlite = async (t: Parameters<typeof temporaryFolder>[0]) => {
  const folder = temporaryFolder(t)
  const store = createDurableSqlite(folder)
  const ledger = createLedger({ store, leaseMs: 15_000 })
  const file = join(folder, 'orders.sqlite')
  const database = new DatabaseSync(file)
  const count = (more = '') => Number(database.prepare(`SELECT count(*) AS n FROM entries ${more}`).get()?.['n'])
  await compare('SQLite', ledger, () => {
    const templates = database
      .prepare("SELECT key, value FROM entries WHERE key LIKE 'order%' ORDER BY rowid DESC LIMIT 4")
      .all()
    for (const { key, value } of templates as { key: string; value: string }[]) {
      const prefix = key.slice(0, key.lastIndexOf(':') + 1)
      database.prepare(FILL_SQLITE).run({ prefix, value, now: Date.now(), life: ORDER_MS, orders: ORDERS })
    }
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  })
  const bytes = statSync(file).size
  say(`SQLite: ${Math.round(bytes / MB)} MB and ${count()} rows, ${Math.round(bytes / ORDERS)} bytes an order`)

  const startedAt = performance.now()
  const [used] = await Promise.all([timedOrders(ledger), backUpLedger(folder, join(folder, 'backup.sqlite'))])
  say(
    `SQLite: orders during a backup take ${used}; together they took ${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  )
  await store.close()

  // A day later: a thirtieth has expired.
  const clock = () => Date.now() + ORDER_MS / 30
  const later = createSqliteStore(folder, { file: 'orders.sqlite', now: clock })
  const expired = () => count(`WHERE expires_at <= ${clock()}`)
  const found = expired()
  const laterLedger = createLedger({ store: later, leaseMs: 15_000 })
  let orders = 0
  for (; expired() > found / 100; orders += 500) for (let i = 0; i < 500; i += 1) await placeOrder(laterLedger)
  say(`SQLite: ${found} expired rows, those of a day, are gone after ${orders} further orders`)
  await later.close()
  database.close()
}

const FILL_REDIS = `
for n = ARGV[3], ARGV[4] do redis.call('SET', ARGV[1] .. redis.sha1hex(n .. ARGV[1]), ARGV[2], 'PX', ARGV[5]) end`
const AGE_REDIS = `
local found = redis.call('SCAN', ARGV[1], 'COUNT', 5000)
for _, key in ipairs(found[2]) do redis.call('PEXPIRE', key, ARGV[2]) end
return found[1]`
const BATCH = 10_000

const redis = async (t: Parameters<typeof temporaryFolder>[0]) => {
  const server = await redisServer(t, { settings: ['--appendonly', 'yes', '--appendfsync', 'everysec'] })
  const { durable, close } = await createRedisStore(redisAt(server.url, { timeoutMs: 5000 }))
  const memory = async () => Number(/^used_memory:(\d+)/m.exec(String(await server.command('INFO', 'memory')))?.[1])
  const keys = async () => Number(await server.command('DBSIZE'))
  const before = await memory()
  await compare('Redis', createLedger({ store: durable, leaseMs: 15_000 }), async () => {
    const ofOrders = ((await server.command('KEYS', 'hks3:order*')) as string[]).sort()
    const areas = Map.groupBy(ofOrders, key => key.split(':')[1])
    for (const [key = ''] of areas.values()) {
      const value = String(await server.command('GET', key))
      const prefix = key.slice(0, key.lastIndexOf(':') + 1)
      for (let n = 1; n <= ORDERS; n += BATCH) {
        const last = Math.min(n + BATCH - 1, ORDERS)
        await server.command('EVAL', FILL_REDIS, '0', prefix, value, String(n), String(last), String(ORDER_MS))
      }
    }
  })
  const bytes = (await memory()) - before
  say(`Redis: ${Math.round(bytes / MB)} MB and ${await keys()} keys, ${Math.round(bytes / ORDERS)} bytes an order`)

  const all = await keys()
  let cursor = '0'
  do cursor = String(await server.command('EVAL', AGE_REDIS, '0', cursor, '1000'))
  while (cursor !== '0')
  const startedAt = performance.now()
  while ((await keys()) > all / 100) await new Promise(resolve => setTimeout(resolve, 200))
  say(`Redis: forgets ${all} expired keys by itself within ${Math.ceil((performance.now() - startedAt) / 1000)} s`)
  await close()
}

await runCommand(async () => {
  const ends: (() => Promise<void>)[] = []
  const lifetime = { after: (end: () => Promise<void>) => ends.push(end) }
  try {
    await sqlite(lifetime)
    await redis(lifetime)
  } finally {
    for (const end of ends.reverse()) await end()
  }
})
