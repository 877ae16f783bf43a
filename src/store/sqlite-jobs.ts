import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { latestNow } from '../core/clock.ts'
import { type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import {
  type CountedJob,
  isOpen,
  JOB_KEPT_MS,
  JOB_LEASE_MS,
  JOB_RETRY_MS,
  JOBS_AT_ONCE,
  type JobEvent,
  type JobItem,
  type JobProblem,
  type JobQueue,
  type JobRecord,
  type JobResult,
  type JobState,
  type JobStore,
  type RunJob
} from './jobs.ts'
import { NewerRecord, readRecord } from './record-format.ts'
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'
import { StoreUnavailable } from './store.ts'

/** A removed credential is overwritten: no copy of it remains in a free page. */
const SCHEMA = `
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, job_id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, target TEXT NOT NULL, key_hash TEXT,
    state TEXT NOT NULL, created_at INTEGER NOT NULL, ended_at INTEGER, credential TEXT, record TEXT NOT NULL,
    found INTEGER NOT NULL, verdicts TEXT NOT NULL, events INTEGER NOT NULL) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_key ON jobs (tenant, key_hash) WHERE key_hash IS NOT NULL;
  CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_target ON jobs (target) WHERE ended_at IS NULL;
  CREATE INDEX IF NOT EXISTS jobs_by_tenant ON jobs (tenant, id);
  CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS items (
    job INTEGER NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, is_sent INTEGER NOT NULL, verdict TEXT, problem TEXT,
    PRIMARY KEY (job, seq)) WITHOUT ROWID, STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS items_by_key ON items (job, key);
  CREATE INDEX IF NOT EXISTS items_by_verdict ON items (job, verdict, seq);
  CREATE TABLE IF NOT EXISTS events (
    job INTEGER NOT NULL, id INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (job, id)) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS queue (
    job_id TEXT PRIMARY KEY, run_at INTEGER NOT NULL, leased_until INTEGER NOT NULL, owner TEXT NOT NULL) STRICT;
`

/** Rows of removed jobs are removed in parts, so that no request waits long for it. */
const SWEEP = 1000
const SWEEP_EVERY_MS = 60_000

/** How often a replica looks for jobs of others that have ended. Its own jobs begin at once. */
const POLL_MS = 500

const statementsOf = (database: DatabaseSync) => ({
  insert: database.prepare(
    `INSERT INTO jobs (job_id, tenant, target, key_hash, state, created_at, credential, record, found, verdicts, events)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '{}', 0)`
  ),
  byId: database.prepare('SELECT * FROM jobs WHERE job_id = ?'),
  byKey: database.prepare('SELECT * FROM jobs WHERE tenant = ? AND key_hash = ?'),
  byTarget: database.prepare('SELECT job_id FROM jobs WHERE target = ? AND ended_at IS NULL'),
  list: database.prepare(
    `SELECT * FROM jobs WHERE tenant = ? AND id < ? AND (? IS NULL OR state = ?)
     AND (? IS NULL OR record ->> 's3uid' IN (SELECT value FROM json_each(?))) ORDER BY id DESC LIMIT ?`
  ),
  update: database.prepare('UPDATE jobs SET state = ?, ended_at = ?, credential = ?, record = ? WHERE id = ?'),
  running: database.prepare("SELECT count(*) AS n FROM jobs WHERE tenant = ? AND state = 'running'"),
  count: database.prepare('UPDATE jobs SET found = ?, verdicts = ? WHERE id = ?'),
  insertItem: database.prepare('INSERT OR IGNORE INTO items VALUES (?, ?, ?, 0, NULL, NULL)'),
  open: database.prepare(
    'SELECT seq, key, is_sent FROM items WHERE job = ? AND verdict IS NULL AND seq > ? ORDER BY seq LIMIT ?'
  ),
  mark: database.prepare('UPDATE items SET is_sent = ? WHERE job = ? AND seq = ?'),
  settle: database.prepare('UPDATE items SET verdict = ?, problem = ? WHERE job = ? AND seq = ? AND verdict IS NULL'),
  settleRest: database.prepare('UPDATE items SET verdict = ?, problem = ? WHERE job = ? AND verdict IS NULL'),
  verdictOf: database.prepare('SELECT verdict FROM items WHERE job = ? AND key = ?'),
  results: database.prepare(
    'SELECT seq, key, verdict, problem FROM items WHERE job = ? AND seq > ? AND verdict IS NOT NULL ORDER BY seq LIMIT ?'
  ),
  resultsOf: database.prepare(
    'SELECT seq, key, verdict, problem FROM items WHERE job = ? AND verdict = ? AND seq > ? ORDER BY seq LIMIT ?'
  ),
  nextEvent: database.prepare('UPDATE jobs SET events = events + 1 WHERE id = ? RETURNING events'),
  addEvent: database.prepare('INSERT INTO events VALUES (?, ?, ?)'),
  events: database.prepare('SELECT id, data FROM events WHERE job = ? AND id > ? ORDER BY id LIMIT ?'),
  states: database.prepare('SELECT state, count(*) AS n FROM jobs WHERE ended_at IS NULL GROUP BY state'),
  oldest: database.prepare("SELECT min(created_at) AS at FROM jobs WHERE state = 'queued'"),
  ended: database.prepare('SELECT id FROM jobs WHERE ended_at < ? LIMIT 1'),
  sweepItems: database.prepare(
    `DELETE FROM items WHERE job = ? AND seq IN (SELECT seq FROM items WHERE job = ? LIMIT ${SWEEP})`
  ),
  sweepEvents: database.prepare('DELETE FROM events WHERE job = ?'),
  remove: database.prepare('DELETE FROM jobs WHERE id = ?'),
  enqueue: database.prepare(
    "INSERT INTO queue VALUES (?, ?, 0, '') ON CONFLICT (job_id) DO UPDATE SET run_at = excluded.run_at"
  ),
  due: database.prepare(
    'SELECT job_id FROM queue WHERE run_at <= ? AND (leased_until <= ? OR leased_until > ?) ORDER BY run_at LIMIT ?'
  ),
  lease: database.prepare('UPDATE queue SET leased_until = ?, owner = ? WHERE job_id = ?'),
  renew: database.prepare('UPDATE queue SET leased_until = ? WHERE owner = ?'),
  postpone: database.prepare(
    "UPDATE queue SET leased_until = 0, run_at = ?, owner = '' WHERE job_id = ? AND owner = ?"
  ),
  dequeue: database.prepare('DELETE FROM queue WHERE job_id = ? AND owner = ? AND run_at <= ?')
})

type Statements = ReturnType<typeof statementsOf>

interface Row {
  id: number
  state: JobState
  credential: string | null
  record: string
  found: number
  verdicts: string
  events: number
}

const toJob = ({ record, state, found, verdicts, events }: Row): CountedJob => ({
  ...readRecord<JobRecord>(record, 'a job'),
  state,
  found,
  verdicts: JSON.parse(verdicts),
  lastEventId: events
})

const toResult = ({ seq, key, verdict, problem }: Record<string, unknown>): JobResult => ({
  seq: Number(seq),
  key: String(key),
  verdict: String(verdict),
  ...(typeof problem === 'string' && { problem: JSON.parse(problem) as JobProblem })
})

export interface SqliteJobOptions {
  dataDir: string
  /** Keeps the jobs in memory. */
  isEphemeral?: boolean | undefined
  report?: ReportFault
  /** Length of a lease that is not renewed, milliseconds. */
  leaseMs?: number
}

/** The jobs of one host, in a SQLite file of their own that several processes can share. Opened when it is first needed. */
export const createSqliteJobs = ({
  dataDir,
  isEphemeral = false,
  report = () => undefined,
  leaseMs = JOB_LEASE_MS
}: SqliteJobOptions): { jobs: JobStore; queue: JobQueue } => {
  const tell = reportOnce(report)
  let file: SqliteFile<Statements> | undefined
  let isClosed = false

  const opened = (): SqliteFile<Statements> => {
    if (isClosed) throw new StoreUnavailable('closed')
    file ??= openSqliteFile({
      dataDir,
      file: isEphemeral ? undefined : 'jobs.sqlite',
      schema: SCHEMA,
      isDurable: true,
      prepare: statementsOf
    })
    return file
  }
  /** Runs the work in one transaction. */
  const atomically = async <T>(work: (statements: Statements) => T): Promise<T> => {
    let open: SqliteFile<Statements> | undefined
    try {
      const current = opened()
      open = current
      const result = await current.patiently(() => work(current.statements))
      tell(undefined)
      return result
    } catch (error) {
      if (isClosed) throw new StoreUnavailable('closed')
      // One record only: the file does its work.
      if (open && error instanceof NewerRecord) throw error
      const fault = error instanceof StoreUnavailable ? (error.cause as StoreFault) : open?.explain(error)
      if (fault) tell(fault)
      throw error instanceof StoreUnavailable ? error : new StoreUnavailable(fault)
    }
  }

  const rowOf = ({ byId }: Statements, jobId: string) => byId.get(jobId) as Row | undefined
  const need = (statements: Statements, jobId: string): Row => {
    const row = rowOf(statements, jobId)
    if (!row) throw new TypeError('the job was removed')
    return row
  }
  const save = ({ update }: Statements, row: Row, record: JobRecord, credential: string | null) => {
    const kept = isOpen(record) ? credential : null
    update.run(record.state, record.endedAt ?? null, kept, JSON.stringify(plain(record)), row.id)
  }
  const insertItems = ({ insertItem, count }: Statements, row: Row, keys: readonly string[]): number => {
    let found = row.found
    // The number of an item is its place in the order in which they were found.
    for (const key of keys) found += Number(insertItem.run(row.id, found + 1, key).changes)
    if (found > row.found) count.run(found, row.verdicts, row.id)
    return found - row.found
  }
  const addVerdicts = ({ count }: Statements, row: Row, added: Record<string, number>) => {
    const verdicts: Record<string, number> = JSON.parse(row.verdicts)
    for (const [verdict, n] of Object.entries(added)) verdicts[verdict] = (verdicts[verdict] ?? 0) + n
    count.run(row.found, JSON.stringify(verdicts), row.id)
  }
  const insertEvent = ({ nextEvent, addEvent }: Statements, { id }: Row, data: string) => {
    addEvent.run(id, Number(nextEvent.get(id)?.['events']), data)
  }
  const encoded = (problem: JobProblem | undefined) => (problem === undefined ? null : JSON.stringify(problem))

  const jobs: JobStore = {
    create: (record, credential, keys) =>
      atomically(statements => {
        const { tenant, target, keyHash } = record
        const known = keyHash === undefined ? undefined : (statements.byKey.get(tenant, keyHash) as Row | undefined)
        if (known) return { known: toJob(known) }
        const running = statements.byTarget.get(target)
        if (running) return { running: String(running['job_id']) }
        const { jobId, state, createdAt } = record
        const json = JSON.stringify(plain(record))
        statements.insert.run(jobId, tenant, target, keyHash ?? null, state, createdAt, credential, json)
        insertItems(statements, need(statements, jobId), keys)
        statements.enqueue.run(jobId, latestNow())
        return { created: true }
      }),
    get: jobId =>
      atomically(statements => {
        const row = rowOf(statements, jobId)
        return row && toJob(row)
      }),
    list: (tenant, { state = null, accounts, before = String(Number.MAX_SAFE_INTEGER), limit }) =>
      atomically(({ list }) => {
        const only = accounts === undefined ? null : JSON.stringify(accounts)
        const rows = list.all(tenant, Number(before), state, state, only, only, limit + 1) as unknown as Row[]
        const page = rows.slice(0, limit)
        return { jobs: page.map(toJob), next: rows.length > limit ? String(page.at(-1)?.id) : undefined }
      }),
    change: (jobId, from, change, { credential, event } = {}) =>
      atomically(statements => {
        const row = rowOf(statements, jobId)
        if (!row || !from.includes(row.state)) return undefined
        const job = { ...toJob(row), ...change } as CountedJob
        save(statements, row, job, credential === undefined ? row.credential : credential)
        if (job.state === 'queued') statements.enqueue.run(jobId, latestNow())
        if (event) insertEvent(statements, row, event(job))
        return job
      }),
    start: (jobId, maxRunning, now) =>
      atomically(statements => {
        const row = rowOf(statements, jobId)
        if (!row || (row.state !== 'queued' && row.state !== 'running')) return undefined
        const job = toJob(row)
        const started = { job: { ...job, state: 'running' as const, startedAt: job.startedAt ?? now } }
        if (row.state === 'queued') {
          if (Number(statements.running.get(job.tenant)?.['n']) >= maxRunning) return 'later'
          save(statements, row, started.job, row.credential)
        }
        return { ...started, credential: row.credential ?? '' }
      }),
    addItems: (jobId, keys) => atomically(statements => insertItems(statements, need(statements, jobId), keys)),
    takeItems: (jobId, after, limit) =>
      atomically(statements => {
        const { id } = need(statements, jobId)
        return statements.open.all(id, after, limit).map((row): JobItem => {
          const item = { seq: Number(row['seq']), key: String(row['key']), wasSent: row['is_sent'] === 1 }
          if (!item.wasSent) statements.mark.run(1, id, item.seq)
          return item
        })
      }),
    returnItems: (jobId, seqs) =>
      atomically(statements => {
        const { id } = need(statements, jobId)
        for (const seq of seqs) statements.mark.run(0, id, seq)
      }),
    settle: (jobId, verdicts) =>
      atomically(statements => {
        const row = need(statements, jobId)
        const added: Record<string, number> = {}
        for (const { seq, verdict, problem } of verdicts) {
          const { changes } = statements.settle.run(verdict, encoded(problem), row.id, seq)
          added[verdict] = (added[verdict] ?? 0) + Number(changes)
        }
        addVerdicts(statements, row, added)
      }),
    settleRest: (jobId, verdict, problem) =>
      atomically(statements => {
        const row = need(statements, jobId)
        const { changes } = statements.settleRest.run(verdict, encoded(problem), row.id)
        addVerdicts(statements, row, { [verdict]: Number(changes) })
      }),
    verdictsOf: (jobId, keys) =>
      atomically(statements => {
        const { id } = need(statements, jobId)
        const found = new Map<string, string | undefined>()
        for (const key of keys) {
          const row = statements.verdictOf.get(id, key)
          if (row) found.set(key, row['verdict'] === null ? undefined : String(row['verdict']))
        }
        return found
      }),
    results: (jobId, { after, limit, verdict }) =>
      atomically(statements => {
        const { id } = need(statements, jobId)
        const rows =
          verdict === undefined
            ? statements.results.all(id, after, limit)
            : statements.resultsOf.all(id, verdict, after, limit)
        return rows.map(toResult)
      }),
    addEvent: (jobId, data) =>
      atomically(statements => {
        insertEvent(statements, need(statements, jobId), data)
      }),
    events: (jobId, { after, limit }) =>
      atomically(statements => {
        const row = rowOf(statements, jobId)
        if (!row) return []
        return statements.events
          .all(row.id, after, limit)
          .map((event): JobEvent => ({ id: Number(event['id']), data: String(event['data']) }))
      }),
    statistics: () =>
      atomically(({ states, oldest }) => {
        const at = oldest.get()?.['at']
        return {
          states: Object.fromEntries(states.all().map(({ state, n }) => [String(state), Number(n)])),
          oldestQueuedAt: typeof at === 'number' ? at : undefined
        }
      }),
    check: () =>
      atomically(({ byId }) => void byId.get('')).then(
        () => undefined,
        error => (error as StoreUnavailable).cause as StoreFault
      ),
    async close() {
      isClosed = true
      file?.database.close()
      file = undefined
    }
  }

  /** Removes jobs that ended long ago, a part at a time. @returns true while there is more to remove */
  const sweep = () =>
    atomically(({ ended, sweepItems, sweepEvents, remove }) => {
      const old = ended.get(latestNow() - JOB_KEPT_MS)
      if (!old) return false
      const id = Number(old['id'])
      if (Number(sweepItems.run(id, id).changes) === SWEEP) return true
      sweepEvents.run(id)
      remove.run(id)
      return true
    })

  // What is in memory ends with the process.
  return { jobs, queue: createQueue(atomically, isEphemeral ? async () => false : sweep, leaseMs) }
}

/** Without undefined members, and without what has columns of its own. */
const plain = (record: JobRecord & Partial<CountedJob>): JobRecord => {
  const { found: _, verdicts: __, lastEventId: ___, ...rest } = record
  return rest
}

type Atomically = <T>(work: (statements: Statements) => T) => Promise<T>

/** Leases in a table: a job whose replica has ended, or has lost its lease, is taken over by another process. */
const createQueue = (atomically: Atomically, sweep: () => Promise<boolean>, leaseMs: number): JobQueue => {
  const owner = randomUUID()
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()
  let run: RunJob | undefined
  let timer: NodeJS.Timeout | undefined
  let renewal: NodeJS.Timeout | undefined
  let sweepAt = 0

  const take = () =>
    atomically(({ due, lease }) => {
      const now = latestNow()
      // A lease that ends later than it could was written before the clock was set back.
      const ids = due.all(now, now, now + leaseMs, JOBS_AT_ONCE - running.size).map(row => String(row['job_id']))
      for (const id of ids) lease.run(now + leaseMs, owner, id)
      return ids
    })

  const work = async (jobId: string, runJob: RunJob): Promise<void> => {
    const startedAt = latestNow()
    const result = await runJob(jobId, stopping.signal).catch((): 'later' => 'later')
    // A job that was added again meanwhile, because it was resumed, stays.
    await atomically(({ postpone, dequeue }) => {
      const next = latestNow() + (stopping.signal.aborted ? 0 : JOB_RETRY_MS)
      if (result === 'later' || Number(dequeue.run(jobId, owner, startedAt).changes) === 0) {
        postpone.run(next, jobId, owner)
      }
    })
  }

  const look = async (): Promise<void> => {
    clearTimeout(timer)
    const runJob = run
    if (runJob === undefined || stopping.signal.aborted) return
    try {
      if (running.size < JOBS_AT_ONCE) {
        for (const jobId of await take()) {
          if (running.has(jobId)) continue
          const working = work(jobId, runJob)
            // The lease ends by itself.
            .catch(() => undefined)
            .finally(() => running.delete(jobId))
          running.set(jobId, working)
        }
      }
      if (latestNow() >= sweepAt) sweepAt = latestNow() + ((await sweep()) ? 0 : SWEEP_EVERY_MS)
    } catch {
      // The store is unavailable, and has reported it.
    }
    lookLater()
  }
  const lookLater = () => {
    clearTimeout(timer)
    if (!stopping.signal.aborted) timer = setTimeout(() => void look(), POLL_MS).unref()
  }

  return {
    // The transaction that made the job a queued one has put it into the queue.
    add: () => look(),
    work(runJob) {
      run = runJob
      renewal = setInterval(() => {
        if (running.size > 0) atomically(({ renew }) => renew.run(latestNow() + leaseMs, owner)).catch(() => undefined)
      }, leaseMs / 4).unref()
      void look()
    },
    async close() {
      stopping.abort()
      clearTimeout(timer)
      await Promise.all(running.values())
      clearInterval(renewal)
    }
  }
}
