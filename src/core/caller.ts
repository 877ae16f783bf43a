import type { Scope } from '../../schemas/scopes.ts'
import { Problem } from './problem.ts'
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
  readonly authScheme: 'session' | 'bearer' | 'service'
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
  refreshToken(refused: Secret): Promise<Secret>
}

/** May the caller use this account? */
export const mayUse = ({ accounts }: Caller, s3uid: string): boolean => accounts === undefined || accounts.has(s3uid)

/** Another's account is answered in the same words as one that does not exist. */
export const noSuchAccount = () => new Problem('account-not-found', 'The customer has no such account.')
