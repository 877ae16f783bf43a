import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, elapsedNow } from '../core/clock.ts'
import { admitBy } from './admission.ts'
import { mayBeLost } from './areas.ts'
import type { ReportFault } from './faults.ts'
import { createStoreHealth, type ObserveCommand } from './health.ts'
import { isLocked, openSqliteFile } from './sqlite-file.ts'
import type { Count, Store } from './store.ts'

/** What must not be lost, and rate limits, which have a bound of their own. */
const TABLES = ['entries', 'limits'] as const
type Table = (typeof TABLES)[number]

const SCHEMA = `
  ${TABLES.map(
    table => `
  CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS ${table}_by_expiry ON ${table} (expires_at);`
  ).join('')}
  CREATE INDEX IF NOT EXISTS entries_marked ON entries (key, expires_at) WHERE value = '';
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
  add: database.prepare(
    `UPDATE ${table} SET value = CAST(value + ? AS INTEGER) WHERE key = ? AND expires_at > ? RETURNING CAST(value AS INTEGER) AS count, expires_at AS expiresAt`
  ),
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
  const prepare = (open: DatabaseSync) => ({
    entries: statementsOf(open, 'entries'),
    limits: statementsOf(open, 'limits')
  })
  const { database, statements, explain, patiently, close } = openSqliteFile({
    dataDir,
    file,
    schema: SCHEMA,
    isDurable,
    prepare
  })
  const of = (key: string) => statements[mayBeLost(key) ? 'limits' : 'entries']
  const trim = database.prepare(
    `DELETE FROM limits WHERE rowid IN (SELECT rowid FROM limits ORDER BY expires_at LIMIT min(${SWEEP}, max(0, (SELECT count(*) FROM limits) - ${MAX_LIMITS})))`
  )
  const counting = database.prepare(
    "SELECT count(*) AS count FROM entries WHERE value = '' AND key >= ? AND key < ? AND expires_at > ?"
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
  const get = (key: string) => row(key)?.value
  const increment = (key: string, by: number, windowMs: number): Count => {
    const found = of(key).add.get(by, key, now()) as { count: number; expiresAt: number } | undefined
    if (found) return { count: found.count, ttlMs: found.expiresAt - now() }
    put(key, String(by), windowMs)
    return { count: by, ttlMs: windowMs }
  }

  return {
    touch: (key, ttlMs) => atomically(() => touch(key, ttlMs)),
    get: key => atomically(() => get(key)),
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
    admit: (limits, owned) => atomically(() => admitBy({ touch, increment, get }, limits, owned)),
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
    members: key => atomically(() => members(key)),
    getAll: keys => atomically(() => keys.map(get)),
    removeAllMembers: key =>
      atomically(() => {
        const all = members(key)
        of(key).erase.run(key, now())
        return all
      }),
    mark: (group, member, ttlMs) => atomically(() => put(`${group}:${member}`, '', ttlMs)),
    unmark: (group, member) => atomically(() => void of(group).erase.run(`${group}:${member}`, 0)),
    countMarked: group => atomically(() => Number(counting.get(`${group}:`, `${group};`, now())?.['count'])),
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
      close()
    }
  }
}
