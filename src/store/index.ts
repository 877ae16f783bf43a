import type { ReportHealth } from './health.ts'
import { createMemoryStore } from './memory.ts'
import type { Store } from './store.ts'

export { type Store, StoreUnavailable } from './store.ts'

export interface StoreOptions {
  kind: 'memory' | 'sqlite' | 'redis'
  /** Directory of the SQLite file. */
  dataDir: string
  redisUrl: string | undefined
  report?: ReportHealth
}

/** Opens the store that the settings name. The modules of the other kinds are not loaded. */
export const createStore = async ({ kind, dataDir, redisUrl, report }: StoreOptions): Promise<Store> => {
  if (kind === 'sqlite') return (await import('./sqlite.ts')).createSqliteStore(dataDir, { ...(report && { report }) })
  if (kind === 'redis' && redisUrl !== undefined)
    return (await import('./redis.ts')).createRedisStore(redisUrl, { ...(report && { report }) })
  return createMemoryStore()
}
