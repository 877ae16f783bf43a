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
 * The counters of @fastify/rate-limit: limiters of one bucket share a counter over routes and replicas. While the store
 * is down each replica counts alone, and multiplies each request by the number of replicas: the limit still holds for
 * all replicas together, and no request fails because of it.
 * @param replicas the expected number of replicas
 */
export const limitStoreOf = (store: Store, replicas: number) => {
  const local = createMemoryStore()
  return class LimitStore {
    readonly #options: LimitStoreOptions

    constructor(options: LimitStoreOptions) {
      this.#options = options
    }

    incr(key: string, counted: Counted, windowMs: number, max: number): void {
      const { bucket = 'all', cost = 1 } = this.#options
      const name = `limit:${bucket}:${key}`
      const accept = ({ count, ttlMs }: Count) => counted(null, { current: count, ttl: ttlMs })
      store.increment(name, cost, windowMs).then(accept, () =>
        // At most the whole quota, so that one request is always allowed.
        local.increment(name, Math.min(cost * replicas, max), windowMs).then(accept, counted)
      )
    }

    child(options: LimitStoreOptions) {
      return new LimitStore(options)
    }
  }
}
