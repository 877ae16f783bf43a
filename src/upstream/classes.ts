import type { Effect } from './action.ts'

/** Calls that share a lane: how long one may take, and how many there may be (RELIABILITY 4.2). */
export interface CallClass {
  readonly name: 'read' | 'queue' | 'write' | 'buy' | 'login'
  /** In all, from the first byte sent to the last one read, a repetition included. */
  readonly deadlineMs: number
  /** Calls at the same time. */
  readonly slots: number
  /** Calls that may wait for a slot, and for how long. */
  readonly queue: number
  readonly waitMs: number
  /** Does something at HOSTKEY: over a fresh connection, and not aborted when the caller hangs up. */
  readonly isWrite: boolean
}

/**
 * A service whose token has ended asks with all its calls at once while one login is under way: they may wait. Without a
 * breaker the queue is the bound (RELIABILITY 4.2 has 64 and 250 ms, with a breaker).
 */
const read: CallClass = { name: 'read', deadlineMs: 10_000, slots: 64, queue: 1000, waitMs: 2000, isWrite: false }

/** The class of each effect. */
export const classOf: Record<Effect, CallClass> = {
  read,
  secret: read,
  queue: { name: 'queue', deadlineMs: 20_000, slots: 8, queue: 8, waitMs: 250, isWrite: false },
  write: { name: 'write', deadlineMs: 30_000, slots: 16, queue: 16, waitMs: 1000, isWrite: true },
  buy: { name: 'buy', deadlineMs: 60_000, slots: 4, queue: 4, waitMs: 1000, isWrite: true },
  login: { name: 'login', deadlineMs: 10_000, slots: 4, queue: 32, waitMs: 2000, isWrite: false }
}
