import type { Store } from '../store/index.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Count } from '../store/store.ts'

/** How many requests a limit allows, and in which time. */
interface Limit {
  quota: number
  windowMs: number
}

export interface LimitCounters {
  /** Adds the cost of a request; one above the quota is lowered to it, because it would never be allowed. */
  increment(name: string, cost: number, limit: Limit): Promise<Count>
}

/**
 * The counters of all limits, shared by the replicas. While the store is down each replica counts alone, and multiplies
 * each request by the number of replicas: the limit still holds for all replicas together, and no request fails because
 * of it.
 * @param replicas the expected number of replicas
 */
export const createLimitCounters = (store: Store, replicas: number): LimitCounters => {
  const local = createMemoryStore()
  return {
    increment: (name, cost, { quota, windowMs }) =>
      store
        .increment(name, Math.min(cost, quota), windowMs)
        .catch(() => local.increment(name, Math.min(cost * replicas, quota), windowMs))
  }
}
