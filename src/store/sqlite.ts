import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, elapsedNow } from '../core/clock.ts'
import { createStoreHealth, type ReportHealth } from './health.ts'
import type { Store } from './store.ts'

/** How long the start waits for another process that starts at the same time; the event loop is blocked meanwhile. */
const START_MS = 5000

/** How long a command waits for the lock: other processes hold it for a fraction of a millisecond. */
const LOCK_WAIT_MS = 250
/** Pause between two attempts. `busy_timeout` would block the event loop instead. */
const RETRY_MS = 2

const SQLITE_BUSY = 5

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at);
`

/** Expired rows are removed once in this number of writes. */
const SWEEP_EVERY = 1000

export interface SqliteOptions {
  now?: Clock
  report?: ReportHealth
  file?: string
  /** Flushes each write to the disk: it survives a power failure, and takes some milliseconds longer. */
  isDurable?: boolean
}

/** The store of one host: a file that survives a restart and that several processes can share. */
export const createSqliteStore = (
  dataDir: string,
  { now = Date.now, report = () => undefined, file = 'store.sqlite', isDurable = false }: SqliteOptions = {}
): Store => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(dataDir, file), { timeout: START_MS })
  database.exec(SCHEMA)
  database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'NORMAL'}; PRAGMA busy_timeout = 0`)

  const select = database.prepare('SELECT value, expires_at AS expiresAt FROM entries WHERE key = ? AND expires_at > ?')
  const upsert = database.prepare(
    'INSERT INTO entries VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at'
  )
  const update = database.prepare('UPDATE entries SET value = ? WHERE key = ?')
  const extend = database.prepare('UPDATE entries SET expires_at = ? WHERE key = ? AND expires_at > ? RETURNING value')
  const erase = database.prepare('DELETE FROM entries WHERE key = ? AND expires_at > ?')
  const eraseIf = database.prepare('DELETE FROM entries WHERE key = ? AND value = ?')
  const sweep = database.prepare('DELETE FROM entries WHERE expires_at <= ?')

  let writes = 0
  const put = (key: string, value: string, ttlMs: number) => {
    writes += 1
    if (writes % SWEEP_EVERY === 0) sweep.run(now())
    upsert.run(key, value, Math.floor(now() + ttlMs))
  }
  const row = (key: string) => select.get(key, now()) as { value: string; expiresAt: number } | undefined
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
  const health = createStoreHealth({ probe: async () => transaction(() => true), isAnswer: () => false, report })

  /** Runs the work in one transaction, and waits while another process holds the lock. */
  const atomically = <T>(work: () => T): Promise<T> =>
    health.run(async () => {
      const giveUpAt = performance.now() + LOCK_WAIT_MS
      for (;;) {
        try {
          return transaction(work)
        } catch (error) {
          if (!isLocked(error) || performance.now() > giveUpAt) throw error
        }
        await pause(RETRY_MS)
      }
    })

  return {
    touch: (key, ttlMs) =>
      atomically(() => (extend.get(Math.floor(now() + ttlMs), key, now()) as { value: string } | undefined)?.value),
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
    release: (key, value) => atomically(() => void eraseIf.run(key, value)),
    remove: key => atomically(() => Number(erase.run(key, now()).changes) > 0),
    increment: (key, by, windowMs) =>
      atomically(() => {
        const found = row(key)
        const count = Number(found?.value ?? 0) + by
        if (found) update.run(String(count), key)
        else put(key, String(count), windowMs)
        return { count, ttlMs: (found?.expiresAt ?? now() + windowMs) - now() }
      }),
    addMember: (key, member, max, ttlMs) =>
      atomically(() => {
        const all = [...members(key).filter(other => other !== member), member]
        const evicted = all.slice(0, Math.max(0, all.length - max))
        put(key, JSON.stringify(all.slice(evicted.length)), ttlMs)
        return evicted
      }),
    removeMember: (key, member) =>
      atomically(() => void update.run(JSON.stringify(members(key).filter(other => other !== member)), key)),
    removeAllMembers: key =>
      atomically(() => {
        const all = members(key)
        erase.run(key, now())
        return all
      }),
    // All processes that share the file run on one host.
    now: async () => elapsedNow(),
    isUp: () =>
      atomically(() => true).then(
        () => true,
        () => false
      ),
    async close() {
      health.close()
      database.close()
    }
  }
}

const isLocked = (error: unknown) => error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
