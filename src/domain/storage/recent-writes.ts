import type { Caller } from '../../core/caller.ts'
import { isProblem } from '../../core/problem.ts'
import type { Store } from '../../store/index.ts'
import { isOutcomeLost } from '../../upstream/protocol/failure-stage.ts'

/** 10 min: within this time a repeated write gets the answer of the first one. */
const REMEMBERED_MS = 10 * 60_000

/** Remembers recent writes of each caller, so that a repeated DELETE succeeds instead of 404, and a repeated POST instead of 409. */
export interface RecentWrites {
  /** Runs a deletion. A missing target counts as success when this caller has deleted it recently. */
  runDeletion(caller: Caller, target: readonly string[], remove: () => Promise<unknown>): Promise<void>
  /**
   * Runs a creation. An existing target counts as success when this caller has recently tried to create it, the answer
   * was lost, and `find` sees it among the caller's own.
   */
  runCreation<T>(caller: Caller, target: readonly string[], creation: Creation<T>): Promise<T>
  /** Forgets the deletion of a target that exists again. */
  forgetDeletion(caller: Caller, target: readonly string[]): Promise<void>
}

export interface Creation<T> {
  create: () => Promise<T>
  /** Finds the existing target; undefined when it is not among the caller's own. */
  find: () => Promise<T | undefined>
}

/** While the store is down a repeated write gets HOSTKEY's own answer: 404 or 409. */
export const createRecentWrites = (store: Store): RecentWrites => {
  const keyOf = (kind: 'deleted' | 'created', caller: Caller, target: readonly string[]) =>
    `${kind}:${caller.id}:${JSON.stringify(target)}`
  const remember = (key: string) => store.put(key, 'sent', REMEMBERED_MS).catch(() => undefined)
  const isRemembered = async (key: string) => (await store.get(key).catch(() => undefined)) !== undefined

  return {
    async runDeletion(caller, target, remove) {
      const key = keyOf('deleted', caller, target)
      try {
        await remove()
      } catch (error) {
        const isMissing = isProblem(error, 'file-not-found', 'bucket-not-found', 'account-not-found')
        if (isMissing && (await isRemembered(key))) return
        if (isOutcomeLost(error)) await remember(key)
        throw error
      }
      await remember(key)
    },
    async runCreation(caller, target, { create, find }) {
      const key = keyOf('created', caller, target)
      try {
        return await create()
      } catch (error) {
        const isRepeated = isProblem(error, 'bucket-exists') && (await isRemembered(key))
        const found = isRepeated ? await find() : undefined
        if (found !== undefined) return found
        if (isOutcomeLost(error)) await remember(key)
        throw error
      }
    },
    async forgetDeletion(caller, target) {
      await store.remove(keyOf('deleted', caller, target)).catch(() => undefined)
    }
  }
}
