import type { Store } from '../store/index.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Count } from '../store/store.ts'

/** The options of @fastify/rate-limit that reach the store; `bucket` and `cost` are ours. */
interface LimitStoreOptions {
  bucket?: string
  cost?: number
}

type Counted = (error: Error | null, result?: { current: number; ttl: number }) => void

/**
 * The counters of all limits. While the store is down each replica counts alone, and multiplies each request by the number
 * of replicas: the limit still holds for all replicas together, and no request fails because of it.
 */
export interface Counters {
  store: Store
  /** Counts while the store is down. @param max the quota: one request is always allowed */
  countAlone(name: string, by: number, windowMs: number, max: number): Promise<Count>
}

/** @param replicas the expected number of replicas */
export const createCounters = (store: Store, replicas: number): Counters => {
  const local = createMemoryStore()
  return {
    store,
    countAlone: (name, by, windowMs, max) => local.increment(name, Math.min(by * replicas, max), windowMs)
  }
}

/** The name of a counter in the store. */
export const limitKeyOf = (bucket: string, key: string): string => `limit:${bucket}:${key}`

/** The counters of @fastify/rate-limit: limiters of one bucket share a counter over routes and replicas. */
export const limitStoreOf = ({ store, countAlone }: Counters) =>
  class LimitStore {
    readonly #options: LimitStoreOptions

    constructor(options: LimitStoreOptions) {
      this.#options = options
    }

    incr(key: string, counted: Counted, windowMs: number, max: number): void {
      const { bucket = 'all', cost = 1 } = this.#options
      const name = limitKeyOf(bucket, key)
      const accept = ({ count, ttlMs }: Count) => counted(null, { current: count, ttl: ttlMs })
      store
        .increment(name, cost, windowMs)
        .then(accept, () => countAlone(name, cost, windowMs, max).then(accept, counted))
    }

    child(options: LimitStoreOptions) {
      return new LimitStore(options)
    }
  }
