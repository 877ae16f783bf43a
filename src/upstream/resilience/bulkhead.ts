import { Problem } from '../../core/problem.ts'

/** A bulkhead: so many at a time, so many waiting, and none for longer than it is worth. */
export interface Bulkhead {
  /** Runs the work in a slot. @throws Problem overloaded when no slot comes free in time: the work has not begun */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Work under way. */
  readonly inFlight: number
}

export interface BulkheadOptions {
  slots: number
  queueSize: number
  waitMs: number
}

export const createBulkhead = ({ slots, queueSize, waitMs }: BulkheadOptions): Bulkhead => {
  let inFlight = 0
  const waiting: (() => void)[] = []

  const overloaded = () =>
    new Problem('overloaded', 'Too many requests are waiting for HOSTKEY.', {
      retryAfterSeconds: 1 + Math.random() * 2
    })

  /** Resolves when a slot is this one's. The slot of work that ends goes straight to the first that waits. */
  const slot = (): Promise<void> => {
    if (inFlight < slots) {
      inFlight += 1
      return Promise.resolve()
    }
    if (waiting.length >= queueSize) return Promise.reject(overloaded())
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(begin), 1)
        reject(overloaded())
      }, waitMs)
      waiting.push(begin)
    })
  }

  const free = () => {
    const next = waiting.shift()
    if (next) next()
    else inFlight -= 1
  }

  return {
    async run(work) {
      await slot()
      try {
        return await work()
      } finally {
        free()
      }
    },
    get inFlight() {
      return inFlight
    }
  }
}
