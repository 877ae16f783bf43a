import type { ReportFault } from './faults.ts'
import type { ObserveCommand } from './health.ts'
import { createMemoryStore } from './memory.ts'
import type { RedisConnection } from './redis-options.ts'
import type { DurableStore, Store } from './store.ts'

export type { RedisConnection } from './redis-options.ts'
export { type DurableStore, type Store, StoreUnavailable } from './store.ts'

export interface StoreOptions {
  kind: 'memory' | 'sqlite' | 'redis'
  /** Directory of the SQLite files. */
  dataDir: string
  redis: RedisConnection
  /** Keeps orders in memory too: for the embedded sandbox, which also ends with the process. */
  isEphemeral?: boolean | undefined
  reports?: { store?: ReportFault; ledger?: ReportFault; observe?: ObserveCommand }
}

export interface Stores {
  /** Sessions, logins of services, limits and locks. */
  store: Store
  /** The order ledger: a SQLite file of its own, or a Redis that neither loses nor evicts it. */
  durable: DurableStore
}

/** Opens the stores that the settings name. The modules of the other kinds are not loaded. */
export const createStores = async ({ kind, dataDir, redis, isEphemeral, reports }: StoreOptions): Promise<Stores> => {
  if (kind === 'redis') {
    const { durable, ...store } = await (await import('./redis.ts')).createRedisStore(redis, reports)
    return { store, durable: isEphemeral ? createMemoryStore() : durable }
  }
  const store =
    kind === 'sqlite'
      ? (await import('./sqlite.ts')).createSqliteStore(dataDir, {
          ...(reports?.store && { report: reports.store }),
          ...(reports?.observe && { observe: reports.observe })
        })
      : createMemoryStore()
  if (isEphemeral) return { store, durable: createMemoryStore() }
  return {
    store,
    durable: (await import('./durable.ts')).createDurableSqlite(dataDir, reports?.ledger, reports?.observe)
  }
}
