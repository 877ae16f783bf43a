import { chmodSync, chownSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { CommandFault } from '../../../core/command-line.ts'
import { ORDER_MS } from './ledger.ts'
import { RESTORATION_KEY } from './restoration.ts'

/** All pages in one step: a step that another process interrupts with a write starts the copy again. */
const ALL_PAGES = 2 ** 30

/** The year 2100: a backup is one until it is restored. */
const NEVER_EXPIRES = Date.UTC(2100, 0)

export const ledgerFile = (dataDir: string): string => join(dataDir, 'orders.sqlite')

/**
 * Copies the SQLite ledger, while gateways use it, into one file that holds everything up to now. An earlier backup of that
 * name is replaced at once.
 * @throws CommandFault
 */
export const backUpLedger = async (dataDir: string, to: string): Promise<void> => {
  const ledger = ledgerFile(dataDir)
  if (!existsSync(ledger)) throw new CommandFault(`There is no order ledger in ${dataDir}: check DATA_DIR.`)
  if (resolve(to) === resolve(ledger)) throw new CommandFault(`${to} is the order ledger itself.`)
  if (existsSync(to) && !isLedger(to)) throw new CommandFault(`${to} exists and is no backup of an order ledger.`)
  const now = Date.now()
  await copyLedger(ledger, to, copy => {
    const earlier = restorationIn(copy)
    // What is missing since an earlier backup is missing in this one too.
    mark(copy, earlier?.restoredAt === undefined ? now : earlier.backupAt)
  })
}

/**
 * Puts a copy of a ledger in the place of the ledger, which is kept under another name. Orders since the copy are checked
 * against HOSTKEY's accounts from then on.
 * @param backupAt when the copy was created; undefined: as it says itself, else its newest order
 * @returns the name under which the replaced ledger is kept, and the time of the copy
 * @throws CommandFault
 */
export const restoreLedger = async (from: string, dataDir: string, backupAt?: number) => {
  const ledger = ledgerFile(dataDir)
  if (!existsSync(from)) throw new CommandFault(`There is no file ${from}.`)
  if (!isLedger(from)) throw new CommandFault(`${from} is no copy of an order ledger.`)
  if (resolve(from) === resolve(ledger)) throw new CommandFault(`${from} is the order ledger itself: use --mark.`)
  if (!existsSync(dataDir)) throw new CommandFault(`There is no folder ${dataDir}: check DATA_DIR.`)
  if (existsSync(ledger)) refuseInUse(ledger)
  let at = backupAt ?? 0
  const next = `${ledger}.restored`
  await copyLedger(from, next, copy => {
    at = backupAt ?? restorationIn(copy)?.backupAt ?? newestOrderIn(copy) ?? statSync(from).mtimeMs
    mark(copy, at)
  })
  const replaced = existsSync(ledger) ? `${ledger}.${new Date().toISOString().replaceAll(':', '')}` : undefined
  if (replaced !== undefined) {
    for (const suffix of ['', '-wal', '-shm']) {
      if (existsSync(ledger + suffix)) renameSync(ledger + suffix, replaced + suffix)
    }
  }
  renameSync(next, ledger)
  return { replaced, backupAt: at }
}

/** Copies into a new file beside the target, changes it, and renames it once it is on the disk. */
const copyLedger = async (from: string, to: string, change: (copy: DatabaseSync) => void): Promise<void> => {
  const next = `${to}.new`
  rmSync(next, { force: true })
  // Created first: only its owner may read it.
  closeSync(openSync(next, 'wx', 0o600))
  const source = new DatabaseSync(from, { readOnly: true })
  try {
    await backup(source, next, { rate: ALL_PAGES })
    const copy = new DatabaseSync(next)
    // One file, without a log of its own.
    copy.exec('PRAGMA journal_mode = DELETE')
    const { quick_check: verdict } = copy.prepare('PRAGMA quick_check(1)').get() ?? {}
    if (verdict !== 'ok') throw new CommandFault(`${from} is damaged: ${verdict}.`)
    change(copy)
    copy.close()
    keepOwner(next, to)
    flush(next)
    renameSync(next, to)
  } catch (error) {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(next + suffix, { force: true })
    throw error
  } finally {
    source.close()
  }
}

const flush = (file: string): void => {
  const descriptor = openSync(file, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

/** When root restores, the gateway's user must still be able to write. */
const keepOwner = (file: string, to: string): void => {
  chmodSync(file, 0o600)
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(resolve(to)))
  chownSync(file, uid, gid)
}

const isLedger = (file: string): boolean => {
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return (
        database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'entries'").get() !== undefined
      )
    } finally {
      database.close()
    }
  } catch {
    return false
  }
}

/** Only the last connection may leave the write-ahead log. */
const refuseInUse = (ledger: string): void => {
  let mode: unknown
  try {
    const database = new DatabaseSync(ledger, { timeout: 0 })
    try {
      mode = database.prepare('PRAGMA journal_mode = DELETE').get()?.['journal_mode']
    } finally {
      database.close()
    }
  } catch (error) {
    // A damaged ledger is replaced.
    mode = error instanceof Error && /locked/.test(error.message) ? 'wal' : undefined
  }
  if (mode === 'wal') throw new CommandFault(`${ledger} is in use: stop every gateway that uses it first.`)
}

const restorationIn = (copy: DatabaseSync): { backupAt: number; restoredAt?: number } | undefined => {
  const row = copy
    .prepare('SELECT value FROM entries WHERE key = ? AND expires_at > ?')
    .get(RESTORATION_KEY, Date.now())
  return row === undefined ? undefined : JSON.parse(String(row['value']))
}

/** An order is kept for a fixed time from its last change. */
const newestOrderIn = (copy: DatabaseSync): number | undefined => {
  const row = copy
    .prepare("SELECT max(expires_at) AS newest FROM entries WHERE key >= 'order:' AND key < 'order;'")
    .get()
  return typeof row?.['newest'] === 'number' ? row['newest'] - ORDER_MS : undefined
}

const mark = (copy: DatabaseSync, backupAt: number): void => {
  copy
    .prepare('INSERT OR REPLACE INTO entries (key, value, expires_at) VALUES (?, ?, ?)')
    .run(RESTORATION_KEY, JSON.stringify({ backupAt }), NEVER_EXPIRES)
}
