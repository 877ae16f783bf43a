import type { Caller } from '../../core/caller.ts'
import { isProblem } from '../../core/problem.ts'
import type { Store } from '../../store/index.ts'
import { isOutcomeLost } from '../../upstream/protocol/failure-stage.ts'

/** A write is remembered so long: a client that repeats it gets the same answer. */
const REMEMBERED_MS = 10 * 60_000

/** What callers have written a moment ago, so that a repeated DELETE is a success and not a 404, and a repeated POST no 409. */
export interface RecentWrites {
  /** Runs a deletion. A target that is gone is no failure when this caller has asked for it a moment ago. */
  removing(caller: Caller, target: readonly string[], remove: () => Promise<unknown>): Promise<void>
  /**
   * Runs a creation. A target that is there is no failure when this caller has asked for it a moment ago and the answer
   * was lost, unless it cannot be found: then it is somebody else's.
   */
  creating<T>(caller: Caller, target: readonly string[], how: Creation<T>): Promise<T>
  /** The target is there again. */
  clear(caller: Caller, target: readonly string[]): Promise<void>
}

export interface Creation<T> {
  create: () => Promise<T>
  /** The target that is there already; undefined when it is not seen among the caller's own. */
  find: () => Promise<T | undefined>
}

/** Without the store a repetition gets what HOSTKEY says: 404, or 409. */
export const createRecentWrites = (store: Store): RecentWrites => {
  const nameOf = (kind: 'gone' | 'made', caller: Caller, target: readonly string[]) =>
    `${kind}:${caller.id}:${JSON.stringify(target)}`
  const remember = (name: string) => store.put(name, 'asked', REMEMBERED_MS).catch(() => undefined)
  const isRemembered = async (name: string) => (await store.get(name).catch(() => undefined)) !== undefined
  const forget = (name: string) => store.remove(name).catch(() => undefined)

  return {
    async removing(caller, target, remove) {
      const name = nameOf('gone', caller, target)
      try {
        await remove()
      } catch (error) {
        const isGone = isProblem(error, 'file-not-found', 'bucket-not-found', 'account-not-found')
        if (isGone && (await isRemembered(name))) return
        if (isOutcomeLost(error)) await remember(name)
        throw error
      }
      await remember(name)
    },
    async creating(caller, target, { create, find }) {
      const name = nameOf('made', caller, target)
      try {
        return await create()
      } catch (error) {
        const isRepeated = isProblem(error, 'bucket-exists') && (await isRemembered(name))
        const found = isRepeated ? await find() : undefined
        if (found !== undefined) return found
        if (isOutcomeLost(error)) await remember(name)
        throw error
      }
    },
    async clear(caller, target) {
      await forget(nameOf('gone', caller, target))
    }
  }
}
