/** What a limit has counted. */
export interface Count {
  count: number
  /** Until the window ends. */
  ttlMs: number
}

/**
 * Key and value with expiry: sessions, login locks and limits of all replicas. Every method rejects with StoreUnavailable when
 * the store does not answer, and then nothing is known of what it did.
 */
export interface Store {
  /** The value, whose life is then `ttlMs` again; undefined when there is none. Never brings a removed value back. */
  touch(key: string, ttlMs: number): Promise<string | undefined>
  get(key: string): Promise<string | undefined>
  put(key: string, value: string, ttlMs: number): Promise<void>
  /** Puts the value unless there is one. @returns whether it was put */
  claim(key: string, value: string, ttlMs: number): Promise<boolean>
  /** Puts the value in place of this other one. @returns false when it is not there any more: somebody else was faster */
  replace(key: string, old: string, value: string, ttlMs: number): Promise<boolean>
  /** Removes the value if it is this one: a lock is released by its owner only. */
  release(key: string, value: string): Promise<void>
  /** @returns whether there was one */
  remove(key: string): Promise<boolean>
  /** Adds to a counter that begins anew every `windowMs`. */
  increment(key: string, by: number, windowMs: number): Promise<Count>
  /** Adds a member to a set that lives `ttlMs` from now. @returns the oldest members beyond `max`, which are taken out */
  addMember(key: string, member: string, max: number, ttlMs: number): Promise<string[]>
  /** Takes one member out of a set. */
  removeMember(key: string, member: string): Promise<void>
  /** Empties a set. @returns its members */
  removeAllMembers(key: string): Promise<string[]>
  /** Milliseconds since 1970 by the clock that all who share the store agree on, whatever their own clocks say. */
  now(): Promise<number>
  /** Does the store answer? Never rejects. */
  isUp(): Promise<boolean>
  close(): Promise<void>
}

/** The store does not answer. */
export class StoreUnavailable extends Error {
  constructor(cause: unknown) {
    super('the store does not answer', { cause })
    this.name = 'StoreUnavailable'
  }
}
