import type { Report } from './health.ts'
import { createMemoryStore } from './memory.ts'
import type { Store } from './store.ts'

export { type Store, StoreUnavailable } from './store.ts'

export interface StoreOptions {
  kind: 'memory' | 'sqlite' | 'redis'
  /** Folder of the SQLite file. */
  dataDir: string
  redisUrl: string | undefined
  /** Is told of outages, for the log. */
  report?: Report
}

/** Opens the store that the settings name. The other kinds are not even loaded. */
export const createStore = async ({ kind, dataDir, redisUrl, report }: StoreOptions): Promise<Store> => {
  if (kind === 'sqlite') return (await import('./sqlite.ts')).createSqliteStore(dataDir, { ...(report && { report }) })
  if (kind === 'redis' && redisUrl !== undefined)
    return (await import('./redis.ts')).createRedisStore(redisUrl, { ...(report && { report }) })
  return createMemoryStore()
}
