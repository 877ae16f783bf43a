import type { Store } from '../store/index.ts'
import { createMemoryStore } from '../store/memory.ts'

/** What of @fastify/rate-limit's options reaches the store; `bucket` and `cost` are ours. */
interface LimitStoreOptions {
  bucket?: string
  cost?: number
}

type Counted = (error: Error | null, result?: { current: number; ttl: number }) => void

/**
 * Where @fastify/rate-limit counts: limiters of one bucket share it over routes and replicas, and each draws its cost.
 * While the store is away each replica counts for itself, and each request as if every replica had one like it: a limit
 * is never lifted, never multiplied by the replicas, and never an error.
 * @param replicas how many there are likely to be
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
      store
        .increment(name, cost, windowMs)
        // One passes always: of a limit of one, no part is left.
        .catch(() => local.increment(name, Math.min(cost * replicas, max), windowMs))
        .then(
          ({ count, ttlMs }) => counted(null, { current: count, ttl: ttlMs }),
          error => counted(error)
        )
    }

    child(options: LimitStoreOptions) {
      return new LimitStore(options)
    }
  }
}
