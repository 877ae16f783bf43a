import type { Store } from '../store/index.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Count } from '../store/store.ts'

/** What is counted: whose use of which limit, and by how much. */
export interface Counted {
  /** Of the limit: routes and replicas share its counters. */
  bucket: string
  key: string
  by: number
  windowMs: number
  /** The quota. While a replica counts alone, one request is always allowed. */
  max: number
}

/**
 * The counters of all limits. While the store is down each replica counts alone, and multiplies each request by the number
 * of replicas: the limit still holds for all replicas together, and no request fails because of it.
 */
export interface Counters {
  /** At once where the store is in memory: a request then waits for nothing. Never rejects. */
  count(counted: Counted): Count | Promise<Count>
}

/** @param replicas the expected number of replicas */
export const createCounters = (store: Store, replicas: number): Counters => {
  const local = createMemoryStore()
  return {
    count({ bucket, key, by, windowMs, max }) {
      const name = `limit:${bucket}:${key}`
      const counting = store.increment(name, by, windowMs)
      return counting instanceof Promise
        ? counting.catch(() => local.increment(name, Math.min(by * replicas, max), windowMs))
        : counting
    }
  }
}
