import type { Effect } from '../actions/action.ts'

/** Calls that share a lane, a breaker and their deadlines: how long one may take, and how many there may be (RELIABILITY 4.2). */
export interface CallClass {
  readonly name: 'read' | 'async-read' | 'write' | 'provision' | 'login'
  /** From the request's last byte to the head of the reply. */
  readonly headMs: number
  /** In all, from the first byte sent to the last one read, a repetition included. */
  readonly deadlineMs: number
  /** Calls at the same time. */
  readonly slots: number
  /** Calls that may wait for a slot, and for how long. */
  readonly queueSize: number
  readonly waitMs: number
  /** Does something at HOSTKEY: not aborted when the caller hangs up. */
  readonly isWrite: boolean
  /**
   * Over a connection of its own: a reused one may be closed under the request, and nobody would know whether it was
   * executed.
   */
  readonly newConnection: boolean
}

const read: CallClass = {
  name: 'read',
  headMs: 8000,
  deadlineMs: 10_000,
  slots: 64,
  queueSize: 64,
  waitMs: 250,
  isWrite: false,
  newConnection: false
}

const asyncRead: CallClass = {
  name: 'async-read',
  headMs: 18_000,
  deadlineMs: 20_000,
  slots: 8,
  queueSize: 8,
  waitMs: 250,
  isWrite: false,
  newConnection: false
}

const write: CallClass = {
  name: 'write',
  headMs: 28_000,
  deadlineMs: 30_000,
  slots: 16,
  queueSize: 16,
  waitMs: 1000,
  isWrite: true,
  newConnection: true
}

const provision: CallClass = {
  name: 'provision',
  headMs: 58_000,
  deadlineMs: 60_000,
  slots: 4,
  queueSize: 4,
  waitMs: 1000,
  isWrite: true,
  newConnection: true
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
  queueSize: 32,
  waitMs: 2000,
  isWrite: false,
  newConnection: true
}

/** The class of each effect. */
export const classOf: Record<Effect, CallClass> = {
  read,
  secret: read,
  'async-read': asyncRead,
  write,
  provision,
  login
}
