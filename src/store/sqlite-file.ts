import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createFolder } from '../core/folder.ts'
import { explainSqliteError, type StoreFault } from './faults.ts'
import { NewerRecord } from './record-format.ts'
import { StoreUnavailable } from './store.ts'

/** The layout of the tables: raise it when an older gateway could not use the file, and write it as `user_version`. */
const LAYOUT = 0

/** How long the start waits for another process that starts at the same time; the event loop is blocked meanwhile. */
const START_MS = 5000

/** How long a command waits for the lock: other processes hold it for a fraction of a millisecond. */
const LOCK_WAIT_MS = 250
/** Pause between two attempts. `busy_timeout` would block the event loop instead. */
const RETRY_MS = 2

const SQLITE_BUSY = 5

export interface SqliteFile<S> {
  database: DatabaseSync
  statements: S
  explain: (error: unknown) => StoreFault
  /** Runs the work in one transaction with others of the moment, and waits while another process holds the lock. */
  patiently<T>(work: () => T): Promise<T>
  /** Runs what waits. */
  close(): void
}

export interface SqliteFileOptions<S> {
  dataDir: string
  /** Undefined: in memory. */
  file: string | undefined
  schema: string
  /** Flushes each write to the disk: it survives a power failure, and takes some milliseconds longer. */
  isDurable: boolean
  /** Prepares the statements: a corrupt file is noticed here. */
  prepare: (database: DatabaseSync) => S
}

/** Opens a file that several processes may share. @throws StoreUnavailable with the fault */
export const openSqliteFile = <S>({
  dataDir,
  file,
  schema,
  isDurable,
  prepare
}: SqliteFileOptions<S>): SqliteFile<S> => {
  const path = file === undefined ? ':memory:' : join(dataDir, file)
  const explain = (error: unknown) => explainSqliteError(error, path)
  let database: DatabaseSync | undefined
  try {
    if (file !== undefined) createFolder(dataDir, 0o700)
    database = new DatabaseSync(path, { timeout: START_MS })
    if (Number(database.prepare('PRAGMA user_version').get()?.['user_version']) > LAYOUT) throw new NewerRecord(path)
    database.exec(`PRAGMA journal_mode = WAL; ${schema}`)
    database.exec(`PRAGMA synchronous = ${isDurable ? 'FULL' : 'NORMAL'}; PRAGMA busy_timeout = 0`)
    const open = database
    return { database, statements: prepare(database), explain, ...createTransactions(open) }
  } catch (error) {
    database?.close()
    throw error instanceof NewerRecord ? error : new StoreUnavailable(explain(error))
  }
}

/** What waits for the next transaction. */
interface Work {
  run: () => unknown
  resolve: (result: never) => void
  reject: (error: unknown) => void
  /** On the clock of `performance.now()`. */
  until: number
}

/** Runs the works of one turn of the event loop in one transaction: its beginning and end take longer than most works. */
const createTransactions = (database: DatabaseSync) => {
  let waiting: Work[] = []

  const settle = (works: readonly Work[]): void => {
    try {
      const results = transaction(database, () => works.map(({ run }) => run()))
      for (const [index, { resolve }] of works.entries()) resolve(results[index] as never)
    } catch (error) {
      if (isLocked(error)) waitLonger(works, error)
      // Each alone: one that fails must not fail the others.
      else if (works.length > 1) for (const work of works) settle([work])
      else works[0]?.reject(error)
    }
  }
  const waitLonger = (works: readonly Work[], error: unknown) => {
    const now = performance.now()
    for (const { until, reject } of works) if (until < now) reject(error)
    const others = works.filter(({ until }) => until >= now)
    if (others.length > 0) setTimeout(settleWaiting, RETRY_MS)
    waiting = [...others, ...waiting]
  }
  const settleWaiting = () => {
    const works = waiting
    waiting = []
    if (works.length > 0) settle(works)
  }

  return {
    patiently: <T>(run: () => T): Promise<T> =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(settleWaiting)
        waiting.push({ run, resolve, reject, until: performance.now() + LOCK_WAIT_MS })
      }),
    close() {
      settleWaiting()
      database.close()
    }
  }
}

const transaction = <T>(database: DatabaseSync, work: () => T): T => {
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

export const isLocked = (error: unknown) =>
  error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
