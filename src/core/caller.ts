import { Problem } from './problem.ts'
import type { Scope } from '../../schemas/scopes.ts'
import type { Secret } from './secret.ts'

/** Who the caller is at HOSTKEY, as far as it is known. */
export interface Identity {
  customerId?: number
  email?: string
  role?: string
  /** When the credential ends, milliseconds since 1970. */
  expiresAt?: number
}

/** Whoever sends us a request: what every door makes of its credential. */
export interface Caller {
  readonly door: 'session' | 'bearer' | 'service'
  /** A stable name of the caller that gives no credential away: for limits and logs. */
  readonly id: string
  /** How many times the usual limits the caller may draw. */
  readonly limitFactor: number
  /** The accounts that the caller may use; undefined for all of the customer. */
  readonly accounts: ReadonlySet<string> | undefined
  /** What HOSTKEY issued; spent in the upstream client and nowhere else. */
  token(): Promise<Secret>
  /** May the caller do this? */
  grants(scope: Scope): Promise<boolean>
  /** Who the caller is at HOSTKEY. */
  identity(): Promise<Identity>
  /**
   * HOSTKEY has refused this token, which may no longer be the one that `token()` gives.
   * @returns a fresh one
   * @throws Problem when the door has none
   */
  renewed(refused: Secret): Promise<Secret>
}

/** What one request took of HOSTKEY. */
export interface Spent {
  ms: number
  calls: number
  /** A replica that ends waits for a write. */
  hasWritten?: boolean
}

export const nothingSpent = (): Spent => ({ ms: 0, calls: 0 })

/** One request's errand upstream: who asks, when to give up, and what it took so far. */
export interface Errand {
  readonly caller: Caller
  /** Aborts when the caller hangs up, or with a Problem when the replica ends; reads stop then, writes never do. */
  readonly signal: AbortSignal
  /** When the call as a whole must be over, repetitions included; set where calls are repeated. */
  readonly deadline?: AbortSignal
  /**
   * May what it reads be answered together with others that ask the same, or from what was read a moment ago? True of
   * requests that only read: whoever writes must see what was there after it looked.
   */
  readonly isShareable?: boolean
  /** Adds up what the upstream took, for the log and `Server-Timing`. */
  readonly spent: Spent
}

const never = new AbortController().signal

/** The same errand, carried on even when the caller hangs up: after a write we want to know what became of it. */
export const unhurried = (errand: Errand): Errand => ({ ...errand, signal: never })

/** 5 s: what the looks at a write whose answer was lost may take in all (RELIABILITY 4.1). */
const LOOK_MS = 5000

/** The same errand for the looks at what a write has done: carried on without the caller, and with a deadline of its own. */
export const looking = (errand: Errand): Errand => ({ ...unhurried(errand), deadline: AbortSignal.timeout(LOOK_MS) })

/** May the caller use this account? */
export const mayUse = ({ accounts }: Caller, s3uid: string): boolean => accounts === undefined || accounts.has(s3uid)

/** Another's account is answered in the same words as one that does not exist. */
export const noSuchAccount = () => new Problem('account-not-found', 'The customer has no such account.')
