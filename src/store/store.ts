import type { StoreFault } from './faults.ts'

/** The state of a counter. */
export interface Count {
  count: number
  /** Until its window ends. */
  ttlMs: number
}

/** A counter that a request adds to, which starts again at 0 every `windowMs`. */
export interface Limit {
  key: string
  by: number
  windowMs: number
  /** A count above it exceeds the limit. */
  max: number
}

/** The record of a session or of a derived token, and the limits of its owner, whose name completes their keys. */
export interface OwnedLimits {
  key: string
  /** From the request on; undefined: the record expires when it would have. */
  ttlMs: number | undefined
  limits: readonly Limit[]
}

export interface Admission {
  /** Of the limits that were counted, in turn. */
  counts: Count[]
  /**
   * The record: `<owner> <text>` or `<owner> <keys> <text>`, where each of the keys, separated by commas, must exist.
   * Undefined when there is none, one of these has gone, or a limit was exceeded before it.
   */
  record: string | undefined
}

/**
 * Key-value store with expiry for the sessions, login locks and rate limits of all replicas. Every method rejects with
 * StoreUnavailable when the store does not answer; whether a write took effect is then unknown.
 */
export interface Store {
  /** The value, which now expires in `ttlMs`; undefined when there is none. Never recreates a removed value. */
  touch(key: string, ttlMs: number): Promise<string | undefined>
  get(key: string): Promise<string | undefined>
  put(key: string, value: string, ttlMs: number): Promise<void>
  /** Puts the value unless the key exists. @returns true when it was put */
  claim(key: string, value: string, ttlMs: number): Promise<boolean>
  /** Replaces the value if it is still `old` (compare and swap). @returns true when it was replaced */
  replace(key: string, old: string, value: string, ttlMs: number): Promise<boolean>
  /** Removes the key if it holds this value: only its owner releases a lock. */
  release(key: string, value: string): Promise<void>
  /** @returns true when the key existed */
  remove(key: string): Promise<boolean>
  /**
   * Counts a request against its limits in turn, up to the first that it exceeds; then reads the record, and counts
   * against the limits of its owner. Atomic, and one round trip; at once where the store is in memory. Without a record a
   * store that is slow is not waited for; with one, a store without memory counts nothing.
   */
  admit(limits: readonly Limit[], owned?: OwnedLimits): Admission | Promise<Admission>
  /** Adds to a counter, which starts again at 0 every `windowMs`. At once where the store is in memory. */
  increment(key: string, by: number, windowMs: number): Count | Promise<Count>
  /**
   * Adds a member to a set, which now expires in `ttlMs`, and removes the oldest members beyond `max`.
   * @returns the removed members
   */
  addMember(key: string, member: string, max: number, ttlMs: number): Promise<string[]>
  removeMember(key: string, member: string): Promise<void>
  /** The members, the oldest first. */
  members(key: string): Promise<string[]>
  /** The values, undefined for those that do not exist. */
  getAll(keys: readonly string[]): Promise<(string | undefined)[]>
  /** Removes the set. @returns its members, the oldest first */
  removeAllMembers(key: string): Promise<string[]>
  /** Counts a member of a group from now on for this time, however often it is marked. */
  mark(group: string, member: string, ttlMs: number): Promise<void>
  unmark(group: string, member: string): Promise<void>
  /** How many members a group has. Fast, also where they are many. */
  countMarked(group: string): Promise<number>
  /** Every key that begins so. It takes long in a large store: for commands of an operator, not for requests. */
  keys(prefix: string): Promise<string[]>
  /** Milliseconds since 1970, by a clock that every process with this store shares, whatever its own clock says. */
  now(): Promise<number>
  /** What keeps the store from its work; undefined while it does it. Never rejects. */
  check(): Promise<StoreFault | undefined>
  close(): Promise<void>
}

/** The part of a store that keeps its writes through a crash and never evicts them. */
export type DurableStore = Pick<
  Store,
  | 'get'
  | 'put'
  | 'claim'
  | 'replace'
  | 'release'
  | 'remove'
  | 'addMember'
  | 'removeMember'
  | 'members'
  | 'getAll'
  | 'keys'
  | 'now'
  | 'check'
  | 'close'
>

/** The store does not answer. */
export class StoreUnavailable extends Error {
  constructor(cause: unknown) {
    super('the store does not answer', { cause })
    this.name = 'StoreUnavailable'
  }
}
