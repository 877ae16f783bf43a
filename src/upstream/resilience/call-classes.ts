import type { Effect } from '../actions/action.ts'

/** Calls that share a lane, a breaker and their deadlines: how long one may take, and how many there may be (RELIABILITY 4.2). */
export interface CallClass {
  readonly name: 'read' | 'queue' | 'write' | 'buy' | 'login'
  /** From the request's last byte to the head of the reply. */
  readonly headMs: number
  /** In all, from the first byte sent to the last one read, a repetition included. */
  readonly deadlineMs: number
  /** Calls at the same time. */
  readonly slots: number
  /** Calls that may wait for a slot, and for how long. */
  readonly queue: number
  readonly waitMs: number
  /** Does something at HOSTKEY: not aborted when the caller hangs up. */
  readonly isWrite: boolean
  /**
   * Over a connection of its own: a reused one may be closed under the request, and nobody would know whether it was
   * executed.
   */
  readonly isFresh: boolean
}

const read: CallClass = {
  name: 'read',
  headMs: 8000,
  deadlineMs: 10_000,
  slots: 64,
  queue: 64,
  waitMs: 250,
  isWrite: false,
  isFresh: false
}

const queue: CallClass = {
  name: 'queue',
  headMs: 18_000,
  deadlineMs: 20_000,
  slots: 8,
  queue: 8,
  waitMs: 250,
  isWrite: false,
  isFresh: false
}

const write: CallClass = {
  name: 'write',
  headMs: 28_000,
  deadlineMs: 30_000,
  slots: 16,
  queue: 16,
  waitMs: 1000,
  isWrite: true,
  isFresh: true
}

const buy: CallClass = {
  name: 'buy',
  headMs: 58_000,
  deadlineMs: 60_000,
  slots: 4,
  queue: 4,
  waitMs: 1000,
  isWrite: true,
  isFresh: true
}

/**
 * A login makes a token, which bills nobody and runs out by itself: like a read it ends with its caller, and with a
 * replica that ends.
 */
const login: CallClass = {
  name: 'login',
  headMs: 8000,
  deadlineMs: 10_000,
  slots: 4,
  queue: 32,
  waitMs: 2000,
  isWrite: false,
  isFresh: true
}

/** The class of each effect. */
export const classOf: Record<Effect, CallClass> = { read, secret: read, queue, write, buy, login }
