import type { Effect } from '../actions/action.ts'

/** Calls that share a bulkhead, a circuit breaker and their time limits. The limits are assumed: HOSTKEY documents none. */
export interface CallClass {
  readonly name: 'read' | 'async-read' | 'write' | 'provision' | 'login'
  /** Longest wait for the status and headers of a reply. */
  readonly headersTimeoutMs: number
  /** Longest duration of a call, its retry included. */
  readonly deadlineMs: number
  /** Calls at the same time, in each replica. */
  readonly slots: number
  /** Calls that may wait for a slot. */
  readonly queueSize: number
  /** Longest wait for a slot. */
  readonly maxWaitMs: number
  /**
   * Opens a connection for each call. HOSTKEY may close a reused one while a request is on its way, and then it is
   * unknown whether the request was executed.
   */
  readonly newConnection: boolean
}

const read: CallClass = {
  name: 'read',
  headersTimeoutMs: 8000,
  deadlineMs: 10_000,
  slots: 64,
  queueSize: 64,
  maxWaitMs: 250,
  newConnection: false
}

const asyncRead: CallClass = {
  name: 'async-read',
  headersTimeoutMs: 18_000,
  deadlineMs: 20_000,
  slots: 8,
  queueSize: 8,
  maxWaitMs: 250,
  newConnection: false
}

const write: CallClass = {
  name: 'write',
  headersTimeoutMs: 28_000,
  deadlineMs: 30_000,
  slots: 16,
  queueSize: 64,
  maxWaitMs: 1000,
  newConnection: true
}

const provision: CallClass = {
  name: 'provision',
  headersTimeoutMs: 58_000,
  deadlineMs: 60_000,
  slots: 4,
  queueSize: 4,
  maxWaitMs: 1000,
  newConnection: true
}

const login: CallClass = {
  name: 'login',
  headersTimeoutMs: 8000,
  deadlineMs: 10_000,
  slots: 4,
  queueSize: 32,
  maxWaitMs: 2000,
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
