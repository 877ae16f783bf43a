import type { ReportFault } from './faults.ts'
import type { ObserveCommand } from './health.ts'
import type { JobQueue, JobStore } from './jobs.ts'
import { createMemoryStore } from './memory.ts'
import type { RedisConnection } from './redis-options.ts'
import type { DurableStore, Store } from './store.ts'

export { NewerRecord, readRecord } from './record-format.ts'
export type { RedisConnection } from './redis-options.ts'
export { type DurableStore, type Store, StoreUnavailable } from './store.ts'

export interface StoreOptions {
  /** Of a job whose replica has ended, milliseconds. */
  leaseMs?: number
  kind: 'memory' | 'sqlite' | 'redis'
  /** Directory of the SQLite files. */
  dataDir: string
  redis: RedisConnection
  /** Keeps orders in memory too: for the embedded sandbox, which also ends with the process. */
  isEphemeral?: boolean | undefined
  reports?: { store?: ReportFault; ledger?: ReportFault; jobs?: ReportFault; observe?: ObserveCommand }
}

export interface Stores {
  /** Sessions, logins of services, limits and locks. */
  store: Store
  /** The order ledger: a SQLite file of its own, or a Redis that neither loses nor evicts it. */
  durable: DurableStore
  jobs: JobStore
  jobQueue: JobQueue
}

/** Opens the stores that the settings name. The modules of the other kinds are not loaded. */
export const createStores = async ({
  kind,
  dataDir,
  redis,
  isEphemeral,
  leaseMs,
  reports
}: StoreOptions): Promise<Stores> => {
  if (kind === 'redis') {
    const { durable, command, ...store } = await (await import('./redis.ts')).createRedisStore(redis, reports)
    if (isEphemeral) {
      const { jobs, queue: jobQueue } = (await import('./sqlite-jobs.ts')).createSqliteJobs({ dataDir, isEphemeral })
      return { store, durable: createMemoryStore(), jobs, jobQueue }
    }
    const { createRedisJobs } = await import('./redis-jobs.ts')
    const jobs = createRedisJobs(command, () => durable.check())
    const { createRedisJobQueue } = await import('./redis-job-queue.ts')
    const jobQueue = createRedisJobQueue(redis, {
      jobs,
      ...(leaseMs && { leaseMs })
    })
    return { store, durable, jobs, jobQueue }
  }
  const { createSqliteJobs } = await import('./sqlite-jobs.ts')
  const { jobs, queue: jobQueue } = createSqliteJobs({
    dataDir,
    isEphemeral,
    ...(leaseMs && { leaseMs }),
    ...(reports?.jobs && { report: reports.jobs })
  })
  const store =
    kind === 'sqlite'
      ? (await import('./sqlite.ts')).createSqliteStore(dataDir, {
          ...(reports?.store && { report: reports.store }),
          ...(reports?.observe && { observe: reports.observe })
        })
      : createMemoryStore()
  const durable = isEphemeral
    ? createMemoryStore()
    : (await import('./durable.ts')).createDurableSqlite(dataDir, reports?.ledger, reports?.observe)
  return { store, durable, jobs, jobQueue }
}
