import type { Store } from '../store/index.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Count, Limit } from '../store/store.ts'

/**
 * The counters of all limits. While the store is down each replica counts alone, and multiplies each request by the number
 * of replicas: the limit still holds for all replicas together, and no request fails because of it.
 */
export interface Counters {
  /**
   * Counts against limits in turn, up to the first that is exceeded. At once where the store is in memory: a request then
   * waits for nothing. Never rejects.
   */
  count(limits: readonly Limit[]): Count[] | Promise<Count[]>
  /** The same while the store is down. One request is always allowed. */
  countAlone(limits: readonly Limit[]): Count[]
}

/** @param replicas the expected number of replicas */
export const createCounters = (store: Store, replicas: number): Counters => {
  const local = createMemoryStore()
  const countAlone = (limits: readonly Limit[]): Count[] =>
    local.admit(limits.map(limit => ({ ...limit, by: Math.min(limit.by * replicas, limit.max) }))).counts
  return {
    count(limits) {
      const admission = store.admit(limits)
      return admission instanceof Promise
        ? admission.then(
            ({ counts }) => counts,
            () => countAlone(limits)
          )
        : admission.counts
    },
    countAlone
  }
}

/** The name of a counter in the store. */
export const limitKeyOf = (policy: string, owner: string): string => `limit:${policy}:${owner}`
