import type { Caller } from './caller.ts'
import { isProblem } from './problem.ts'
import type { Store } from './store/index.ts'

/** A deletion is remembered so long: a client that repeats it gets the same answer. */
const REMEMBERED_MS = 10 * 60_000

/** What callers have deleted a moment ago, so that a repeated DELETE is a success and not a 404. */
export interface Tombstones {
  /** Runs a deletion. A target that is gone is no failure when this caller has deleted it a moment ago. */
  removing(caller: Caller, target: readonly string[], remove: () => Promise<unknown>): Promise<void>
  /** The target is there again. */
  clear(caller: Caller, target: readonly string[]): Promise<void>
}

/** Without the store a repeated DELETE is a 404, as it would be at HOSTKEY. */
export const createTombstones = (store: Store): Tombstones => {
  const nameOf = (caller: Caller, target: readonly string[]) => `gone:${caller.id}:${JSON.stringify(target)}`
  return {
    async removing(caller, target, remove) {
      const name = nameOf(caller, target)
      try {
        await remove()
      } catch (error) {
        const isGone = isProblem(error, 'file-not-found', 'bucket-not-found', 'account-not-found')
        if (isGone && (await store.get(name).catch(() => undefined)) !== undefined) return
        throw error
      }
      await store.put(name, 'gone', REMEMBERED_MS).catch(() => undefined)
    },
    async clear(caller, target) {
      await store.remove(nameOf(caller, target)).catch(() => undefined)
    }
  }
}
