import type { Effect } from '../actions/action.ts'

/** Calls that share a bulkhead, a circuit breaker and their time limits. The limits are assumed: HOSTKEY documents none. */
export interface CallClass {
  readonly name: 'read' | 'async-read' | 'write' | 'provision' | 'login' | 'token-lookup' | 'order-identity'
  /** Longest wait for the status and headers of a reply. */
  readonly headersTimeoutMs: number
  /** Longest duration of a call, its retry included. */
  readonly deadlineMs: number
  /** Calls at the same time, in each replica. */
  readonly slots: number
  /** Slots that callers whom HOSTKEY has not accepted yet may use together. */
  readonly strangerSlots: number
  /** Longest wait for a slot while the calls of others use all of them; a caller waits longer for its own. */
  readonly maxWaitMs: number
  readonly connection: ConnectionKind
}

/**
 * Which connections carry the calls of a class. HOSTKEY may close an idle one while a request is on its way, and then it is
 * unknown whether the request was executed.
 * `kept`: those that HOSTKEY keeps open; a read is repeated · `recent`: those whose last reply has just come, else a new one:
 * a lost write is looked for, and never repeated · `new`: one for each call, because it may bill or log in.
 */
export type ConnectionKind = 'kept' | 'recent' | 'new'

const read: CallClass = {
  name: 'read',
  headersTimeoutMs: 8000,
  deadlineMs: 10_000,
  slots: 64,
  strangerSlots: 32,
  maxWaitMs: 250,
  connection: 'kept'
}

const asyncRead: CallClass = {
  name: 'async-read',
  headersTimeoutMs: 18_000,
  deadlineMs: 20_000,
  slots: 8,
  strangerSlots: 4,
  maxWaitMs: 250,
  connection: 'kept'
}

const write: CallClass = {
  name: 'write',
  headersTimeoutMs: 28_000,
  deadlineMs: 30_000,
  slots: 16,
  strangerSlots: 8,
  maxWaitMs: 1000,
  connection: 'recent'
}

const provision: CallClass = {
  name: 'provision',
  headersTimeoutMs: 58_000,
  deadlineMs: 60_000,
  slots: 4,
  strangerSlots: 2,
  maxWaitMs: 1000,
  connection: 'new'
}

/**
 * All who log in are strangers, except services. With 4 slots, wrong passwords from 8 networks, which HOSTKEY answered after 2 s,
 * left no login for others (measured).
 */
const login: CallClass = {
  name: 'login',
  headersTimeoutMs: 8000,
  deadlineMs: 10_000,
  slots: 16,
  strangerSlots: 16,
  maxWaitMs: 2000,
  connection: 'new'
}

/** Apart from the logins: whoever sends made-up tokens takes no slot of a login. */
const tokenLookup: CallClass = { ...login, name: 'token-lookup', slots: 8, strangerSlots: 6 }
/** Apart from other look-ups: an order waits for none of them. */
const orderIdentity: CallClass = { ...login, name: 'order-identity', slots: 4, strangerSlots: 2 }

export const classes: readonly CallClass[] = [read, asyncRead, write, provision, login, tokenLookup, orderIdentity]

/** Calls at the same time over connections of this kind. */
export const slotsOf = (kind: ConnectionKind): number =>
  classes.filter(({ connection }) => connection === kind).reduce((sum, { slots }) => sum + slots, 0)

/** The class of each effect. */
export const classOf: Record<Effect, CallClass> = {
  read,
  secret: read,
  'async-read': asyncRead,
  write,
  provision,
  login,
  'token-lookup': tokenLookup,
  'order-identity': orderIdentity
}
