import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, elapsedNow } from '../core/clock.ts'
import { createFolder } from '../core/folder.ts'
import { admitBy } from './admission.ts'
import { mayBeLost } from './areas.ts'
import { explainSqliteError, type ReportFault, type StoreFault } from './faults.ts'
import { createStoreHealth, type ObserveCommand } from './health.ts'
import { type Count, type Store, StoreUnavailable } from './store.ts'

/** How long the start waits for another process that starts at the same time; the event loop is blocked meanwhile. */
const START_MS = 5000

/** How long a command waits for the lock: other processes hold it for a fraction of a millisecond. */
const LOCK_WAIT_MS = 250
/** Pause between two attempts. `busy_timeout` would block the event loop instead. */
const RETRY_MS = 2

const SQLITE_BUSY = 5

/** What must not be lost, and rate limits, which have a bound of their own. */
const TABLES = ['entries', 'limits'] as const
type Table = (typeof TABLES)[number]

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  ${TABLES.map(
    table => `
  CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS ${table}_by_expiry ON ${table} (expires_at);`
  ).join('')}
`

/** Beyond this number of rate limits those that end first are dropped: a flood of addresses must not fill the disk. */
const MAX_LIMITS = 200_000

/** Rows are removed once in this number of writes; twice as many, so that no request waits long for it. */
const SWEEP_EVERY = 100
const SWEEP = 200

const statementsOf = (database: DatabaseSync, table: Table) => ({
  select: database.prepare(`SELECT value, expires_at AS expiresAt FROM ${table} WHERE key = ? AND expires_at > ?`),
  upsert: database.prepare(
    `INSERT INTO ${table} VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`
  ),
  update: database.prepare(`UPDATE ${table} SET value = ? WHERE key = ?`),
  extend: database.prepare(`UPDATE ${table} SET expires_at = ? WHERE key = ? AND expires_at > ? RETURNING value`),
  erase: database.prepare(`DELETE FROM ${table} WHERE key = ? AND expires_at > ?`),
  eraseIf: database.prepare(`DELETE FROM ${table} WHERE key = ? AND value = ?`),
  sweep: database.prepare(
    `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SWEEP})`
  )
})

export interface SqliteOptions {
  now?: Clock
  report?: ReportFault
  observe?: ObserveCommand
  file?: string
  /** Flushes each write to the disk: it survives a power failure, and takes some milliseconds longer. */
  isDurable?: boolean
}

/**
 * The store of one host: a file that survives a restart and that several processes can share.
 * @throws StoreUnavailable with the fault when the file cannot be opened
 */
export const createSqliteStore = (
  dataDir: string,
  { now = Date.now, report = () => undefined, file = 'store.sqlite', isDurable = false, observe }: SqliteOptions = {}
): Store => {
  const path = join(dataDir, file)
  const explain = (error: unknown) => explainSqliteError(error, path)
  const { database, statements } = opened(dataDir, path, isDurable, explain)
  const of = (key: string) => statements[mayBeLost(key) ? 'limits' : 'entries']
  const trim = database.prepare(
    `DELETE FROM limits WHERE rowid IN (SELECT rowid FROM limits ORDER BY expires_at LIMIT min(${SWEEP}, max(0, (SELECT count(*) FROM limits) - ${MAX_LIMITS})))`
  )

  let writes = 0
  const put = (key: string, value: string, ttlMs: number) => {
    writes += 1
    if (writes % SWEEP_EVERY === 0) for (const table of TABLES) statements[table].sweep.run(now())
    if (writes % (SWEEP_EVERY * 10) === 0) trim.run()
    of(key).upsert.run(key, value, Math.floor(now() + ttlMs))
  }
  const row = (key: string) => of(key).select.get(key, now()) as { value: string; expiresAt: number } | undefined
  const members = (key: string): string[] => JSON.parse(row(key)?.value ?? '[]')

  const transaction = <T>(work: () => T): T => {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite itself rolls back when the disk is full.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  /** Runs the work in one transaction, and waits while another process holds the lock. */
  const patiently = async <T>(work: () => T): Promise<T> => {
    const giveUpAt = performance.now() + LOCK_WAIT_MS
    for (;;) {
      try {
        return transaction(work)
      } catch (error) {
        if (!isLocked(error) || performance.now() > giveUpAt) throw error
      }
      await pause(RETRY_MS)
    }
  }
  const health = createStoreHealth({
    probe: () => patiently(() => undefined),
    // A write: a full disk and a file that may only be read are noticed too.
    examine: () => patiently(() => statements.entries.upsert.run('probe', randomUUID(), 0)),
    explain,
    // Only a lock makes every command wait; whatever else is wrong, some may still work.
    classify: error => (isLocked(error) ? 'away' : 'wrong'),
    report,
    ...(observe && { observe })
  })
  void health.examineNow()
  const atomically = <T>(work: () => T): Promise<T> => health.run(() => patiently(work))

  const touch = (key: string, ttlMs: number) =>
    (of(key).extend.get(Math.floor(now() + ttlMs), key, now()) as { value: string } | undefined)?.value
  const increment = (key: string, by: number, windowMs: number): Count => {
    const found = row(key)
    const count = Number(found?.value ?? 0) + by
    if (found) of(key).update.run(String(count), key)
    else put(key, String(count), windowMs)
    return { count, ttlMs: (found?.expiresAt ?? now() + windowMs) - now() }
  }

  return {
    touch: (key, ttlMs) => atomically(() => touch(key, ttlMs)),
    get: key => atomically(() => row(key)?.value),
    put: (key, value, ttlMs) => atomically(() => put(key, value, ttlMs)),
    claim: (key, value, ttlMs) =>
      atomically(() => {
        if (row(key)) return false
        put(key, value, ttlMs)
        return true
      }),
    replace: (key, old, value, ttlMs) =>
      atomically(() => {
        if (row(key)?.value !== old) return false
        put(key, value, ttlMs)
        return true
      }),
    release: (key, value) => atomically(() => void of(key).eraseIf.run(key, value)),
    remove: key => atomically(() => Number(of(key).erase.run(key, now()).changes) > 0),
    admit: (limits, owned) => atomically(() => admitBy({ touch, increment }, limits, owned)),
    increment: (key, by, windowMs) => atomically(() => increment(key, by, windowMs)),
    addMember: (key, member, max, ttlMs) =>
      atomically(() => {
        const all = [...members(key).filter(other => other !== member), member]
        const evicted = all.slice(0, Math.max(0, all.length - max))
        put(key, JSON.stringify(all.slice(evicted.length)), ttlMs)
        return evicted
      }),
    removeMember: (key, member) =>
      atomically(() => void of(key).update.run(JSON.stringify(members(key).filter(other => other !== member)), key)),
    removeAllMembers: key =>
      atomically(() => {
        const all = members(key)
        of(key).erase.run(key, now())
        return all
      }),
    keys: prefix =>
      atomically(() =>
        database
          .prepare('SELECT key FROM entries WHERE key >= ? AND key < ? AND expires_at > ?')
          .all(prefix, `${prefix}\u{10ffff}`, now())
          .map(({ key }) => String(key))
      ),
    // All processes that share the file run on one host.
    now: async () => elapsedNow(),
    check: () => health.check(),
    async close() {
      health.close()
      database.close()
    }
  }
}

/** Opens the file and prepares the statements. @throws StoreUnavailable with the fault */
const opened = (dataDir: string, path: string, isDurable: boolean, explain: (error: unknown) => StoreFault) => {
  let database: DatabaseSync | undefined
  try {
    createFolder(dataDir, 0o700)
    database = new DatabaseSync(path, { timeout: START_MS })
    database.exec(SCHEMA)
    database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'NORMAL'}; PRAGMA busy_timeout = 0`)
    return {
      database,
      statements: { entries: statementsOf(database, 'entries'), limits: statementsOf(database, 'limits') }
    }
  } catch (error) {
    database?.close()
    throw new StoreUnavailable(explain(error))
  }
}

const isLocked = (error: unknown) => error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
