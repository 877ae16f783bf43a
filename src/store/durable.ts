import { type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import type { ObserveCommand } from './health.ts'
import { type DurableStore, type Store, StoreUnavailable } from './store.ts'

/** How often a file that could not be opened is tried again, so that its recovery is reported. */
const RETRY_MS = 1000

/**
 * The order ledger in a SQLite file of its own. It opens at once and, where that fails, with each command and each check:
 * meanwhile only orders fail.
 */
export const createDurableSqlite = (
  dataDir: string,
  report: ReportFault = () => undefined,
  observe?: ObserveCommand
): DurableStore => {
  const tell = reportOnce(report)
  let opening: Promise<Store> | undefined
  let retry: NodeJS.Timeout | undefined
  let isClosed = false
  const open = (): Promise<Store> => {
    if (isClosed) return Promise.reject(new StoreUnavailable('closed'))
    opening ??= import('./sqlite.ts').then(({ createSqliteStore }) => {
      const store = createSqliteStore(dataDir, {
        file: 'orders.sqlite',
        isDurable: true,
        report: tell,
        ...(observe && { observe })
      })
      tell(undefined)
      return store
    })
    return opening.catch(error => {
      opening = undefined
      const { cause } = error as StoreUnavailable
      tell(cause as StoreFault)
      clearTimeout(retry)
      if (!isClosed) retry = setTimeout(() => void open().catch(() => undefined), RETRY_MS).unref()
      throw error
    })
  }
  void open().catch(() => undefined)
  return {
    get: async key => (await open()).get(key),
    put: async (key, value, ttlMs) => (await open()).put(key, value, ttlMs),
    claim: async (key, value, ttlMs) => (await open()).claim(key, value, ttlMs),
    replace: async (key, old, value, ttlMs) => (await open()).replace(key, old, value, ttlMs),
    release: async (key, value) => (await open()).release(key, value),
    remove: async key => (await open()).remove(key),
    addMember: async (key, member, max, ttlMs) => (await open()).addMember(key, member, max, ttlMs),
    removeMember: async (key, member) => (await open()).removeMember(key, member),
    members: async key => (await open()).members(key),
    getAll: async keys => (await open()).getAll(keys),
    keys: async prefix => (await open()).keys(prefix),
    now: async () => (await open()).now(),
    check: () =>
      open().then(
        store => store.check(),
        error => (error as StoreUnavailable).cause as StoreFault
      ),
    async close() {
      isClosed = true
      clearTimeout(retry)
      await (await opening?.catch(() => undefined))?.close()
    }
  }
}
