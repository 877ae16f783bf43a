import { createMemoryStore } from './memory.ts'
import type { Store } from './store.ts'

export { type Count, type Store, StoreDown } from './store.ts'

export interface StoreOptions {
  kind: 'memory' | 'sqlite' | 'redis'
  /** Folder of the SQLite file. */
  dataDir: string
  redisUrl: string | undefined
}

/** Opens the store that the settings name. The other kinds are not even loaded. */
export const createStore = async ({ kind, dataDir, redisUrl }: StoreOptions): Promise<Store> => {
  if (kind === 'sqlite') return (await import('./sqlite.ts')).createSqliteStore({ dataDir, file: 'store.sqlite' })
  if (kind === 'redis' && redisUrl !== undefined) return (await import('./redis.ts')).createRedisStore({ url: redisUrl })
  return createMemoryStore()
}
