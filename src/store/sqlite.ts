import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Store, StoreDown } from './store.ts'

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA busy_timeout = 2000;
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS entries_by_expiry ON entries (expires_at);
`

/** Expired rows are removed every so many writes. */
const SWEEP_EVERY = 1000

export interface SqliteOptions {
  /** Folder of the file; made when it is not there. */
  dataDir: string
  file: string
  /** Is a write on the disk before it is answered? Survives a power cut, and costs some milliseconds. */
  isDurable?: boolean
  now?: () => number
}

/** The store of one host: a file that survives a restart and that several processes may share. */
export const createSqliteStore = ({ dataDir, file, isDurable = false, now = Date.now }: SqliteOptions): Store => {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(join(dataDir, file))
  database.exec(`${SCHEMA} PRAGMA synchronous = ${isDurable ? 'FULL' : 'NORMAL'};`)

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

  /** Reads and writes as one step, across processes too. */
  const atomically = async <T>(work: () => T): Promise<T> => {
    try {
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work()
        database.exec('COMMIT')
        return result
      } catch (error) {
        database.exec('ROLLBACK')
        throw error
      }
    } catch (error) {
      throw new StoreDown(error)
    }
  }

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
    enlist: (key, member, most, ttlMs) =>
      atomically(() => {
        const all = [...members(key).filter(other => other !== member), member]
        const evicted = all.slice(0, Math.max(0, all.length - most))
        put(key, JSON.stringify(all.slice(evicted.length)), ttlMs)
        return evicted
      }),
    delist: (key, member) =>
      atomically(() => void update.run(JSON.stringify(members(key).filter(other => other !== member)), key)),
    disband: key =>
      atomically(() => {
        const all = members(key)
        erase.run(key, now())
        return all
      }),
    isUp: () =>
      atomically(() => true).then(
        () => true,
        () => false
      ),
    close: async () => database.close()
  }
}
