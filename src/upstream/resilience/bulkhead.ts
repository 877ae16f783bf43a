import { Problem } from '../../core/problem.ts'
import type { Call } from '../call.ts'
import { type CallClass, classOf } from './call-classes.ts'

/** Bounds the calls in flight and the calls that wait for a slot. */
export interface Bulkhead {
  /**
   * Runs the work in a slot; slots are given in order of arrival.
   * @throws Problem overloaded when the queue is full or no slot becomes free in time; the work has not begun
   */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Slots in use. */
  readonly inFlight: number
}

export const createBulkhead = ({
  slots,
  queueSize,
  maxWaitMs
}: Pick<CallClass, 'slots' | 'queueSize' | 'maxWaitMs'>): Bulkhead => {
  let inFlight = 0
  const queue: (() => void)[] = []

  const overloaded = () =>
    new Problem('overloaded', 'Too many requests are waiting for HOSTKEY.', {
      retryAfterSeconds: 1 + Math.random() * 2
    })

  /** Waits for a slot that another call releases. */
  const waitForSlot = (): Promise<void> => {
    if (queue.length >= queueSize) return Promise.reject(overloaded())
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        queue.splice(queue.indexOf(begin), 1)
        reject(overloaded())
      }, maxWaitMs)
      queue.push(begin)
    })
  }

  /** Hands the slot to the first in the queue, so that no newcomer takes it. */
  const release = () => {
    const next = queue.shift()
    if (next) next()
    else inFlight -= 1
  }

  return {
    async run(work) {
      if (inFlight < slots) inFlight += 1
      else await waitForSlot()
      try {
        return await work()
      } finally {
        release()
      }
    },
    get inFlight() {
      return inFlight
    }
  }
}

export type Bulkheads = Readonly<Record<CallClass['name'], Bulkhead>>

/** A bulkhead for each class: a slow action of HOSTKEY must not take the slots of all others. */
export const createBulkheads = (): Bulkheads => ({
  read: createBulkhead(classOf.read),
  'async-read': createBulkhead(classOf['async-read']),
  write: createBulkhead(classOf.write),
  provision: createBulkhead(classOf.provision),
  login: createBulkhead(classOf.login)
})

/** Runs each call in the bulkhead of its class. */
export const withBulkhead =
  (call: Call, bulkheads: Bulkheads): Call =>
  (action, params, context) =>
    bulkheads[classOf[action.effect].name].run(() => call(action, params, context))
