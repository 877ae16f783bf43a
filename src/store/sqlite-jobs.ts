import { latestNow } from '../core/clock.ts'
import { type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import {
  type CountedJob,
  isOpen,
  JOB_KEPT_MS,
  JOB_LEASE_MS,
  type JobEvent,
  type JobItem,
  type JobProblem,
  type JobQueue,
  type JobRecord,
  type JobStore,
  mustBeRecorded
} from './jobs.ts'
import { NewerRecord } from './record-format.ts'
import { openSqliteFile, type SqliteFile } from './sqlite-file.ts'
import { type Atomically, createSqliteJobQueue } from './sqlite-job-queue.ts'
import {
  type Row,
  SCHEMA,
  type Statements,
  SWEEP,
  statementsOf,
  toJob,
  toKnownJobs,
  toResult
} from './sqlite-job-statements.ts'
import { StoreUnavailable } from './store.ts'

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
  const atomically: Atomically = async work => {
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
    findByKey: (tenant, keyHash) =>
      atomically(({ byKey }) => {
        const row = byKey.get(tenant, keyHash) as Row | undefined
        return row && toJob(row)
      }),
    list: (tenant, { state = null, accounts, madeBy = null, before = null, limit }) =>
      atomically(({ list }) => {
        const only = accounts === undefined ? null : JSON.stringify(accounts)
        const rows = list.all(tenant, before, before, state, state, only, only, madeBy, madeBy, limit + 1)
        return { jobs: rows.slice(0, limit).map(row => toJob(row as unknown as Row)), hasMore: rows.length > limit }
      }),
    listOpen: () => atomically(({ listOpen }) => toKnownJobs(listOpen.all())),
    listUnrecorded: () => atomically(({ listUnrecorded }) => toKnownJobs(listUnrecorded.all())),
    markRecorded: jobId => atomically(({ recorded }) => void recorded.run(jobId)),
    change: (jobId, from, change, { credential, event } = {}) =>
      atomically(statements => {
        const row = rowOf(statements, jobId)
        if (!row || !from.includes(row.state)) return undefined
        const job = { ...toJob(row), ...change } as CountedJob
        save(statements, row, job, credential === undefined ? row.credential : credential)
        if (job.state === 'queued') statements.enqueue.run(jobId, latestNow())
        if (mustBeRecorded(job.state)) statements.addUnrecorded.run(row.id)
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
    check: () =>
      atomically(({ byId }) => void byId.get('')).then(
        () => undefined,
        error => (error as StoreUnavailable).cause as StoreFault
      ),
    async close() {
      isClosed = true
      file?.close()
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
  return { jobs, queue: createSqliteJobQueue(atomically, isEphemeral ? async () => false : sweep, leaseMs) }
}

/** Without undefined members, and without what has columns of its own. */
const plain = (record: JobRecord & Partial<CountedJob>): JobRecord => {
  const { found: _, verdicts: __, lastEventId: ___, ...rest } = record
  return rest
}
