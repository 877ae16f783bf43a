import type { Scope } from '../../schemas/scopes.ts'
import { Problem } from './problem.ts'
import type { Secret } from './secret.ts'

/** Who the caller is at HOSTKEY, as far as known. */
export interface Identity {
  customerId?: number
  email?: string
  role?: string
  /** When the credential expires, milliseconds since 1970. */
  expiresAt?: number
}

/** A caller that HOSTKEY has not accepted yet: its network stands for it. */
const STRANGER = 'network:'

/** The share of callers without an accepted credential. @param network an address, or the network of an IPv6 address */
export const strangerAt = (network: string): string => STRANGER + network
export const isStranger = (share: string): boolean => share.startsWith(STRANGER)

/** Is it the share of one token, whose customer is not known yet and may have others? */
export const isOfToken = (share: string): boolean => share.startsWith('token:')

/** A job in the background of a customer. */
const JOB = 'job:'

/** The share of the jobs of a customer: apart from that of its requests, which must not wait for its jobs. */
export const jobShareOf = (tenant: string): string => JOB + tenant
export const isJob = (share: string): boolean => share.startsWith(JOB)

/** On what a token depends that a caller makes. */
export interface Origin {
  /** Store keys of the records whose end ends it: of the session, of the token, and of those that it was made from. */
  readonly needs: readonly string[]
  /** The service, and the hash of its secret that was shown: tokens end with it. */
  readonly service?: { readonly id: string; readonly secretHash: string } | undefined
}

/** Who sends a request. An authenticator makes it from the credential. */
export interface Caller {
  readonly authScheme: 'session' | 'bearer' | 'service' | 'token'
  /** A stable name of the caller for limits and logs; it discloses no credential. */
  readonly id: string
  /**
   * Whose share of the slots a call takes: the customer's, the credential's, or the network's of a caller that HOSTKEY has
   * not accepted yet.
   */
  readonly share: string
  /** Multiplies the rate limits. */
  readonly limitFactor: number
  /** The accounts that the caller may use; undefined: every account of the customer. */
  readonly accounts: ReadonlySet<string> | undefined
  /** The only buckets that the caller may use, as `s3uid/bucket`; undefined: every bucket of its accounts. */
  readonly buckets?: ReadonlySet<string> | undefined
  /** The beginning of every path that the caller may use; it ends with a slash. */
  readonly pathPrefix?: string | undefined
  /** When the credential ends, milliseconds since 1970; undefined where only HOSTKEY knows. */
  readonly expiresAt?: number
  /** Undefined: tokens that it makes depend only on HOSTKEY's token. */
  readonly origin?: Origin
  /** The token that HOSTKEY issued; only the upstream client uses it. At once where no login is needed. */
  token(): Secret | Promise<Secret>
  /** May the caller do this? At once where HOSTKEY need not be asked. */
  grants(scope: Scope): boolean | Promise<boolean>
  /** Who the caller is at HOSTKEY. */
  identity(purpose?: 'order'): Promise<Identity>
  /** HOSTKEY has accepted the token. */
  accepted?(): void
  /**
   * Looks up whose token it is, so that the tokens of a customer have one share. Never rejects.
   * @returns the share, which stays that of the token when HOSTKEY does not answer soon
   */
  resolveShare?(): Promise<string>
  /**
   * Replaces a token that HOSTKEY has refused. `token()` may have been replaced in the meantime.
   * @throws Problem when the caller must authenticate again
   */
  refreshToken(refused: Secret): Promise<Secret>
}

/** May the caller use this account? */
export const mayUse = ({ accounts }: Pick<Caller, 'accounts'>, s3uid: string): boolean =>
  accounts === undefined || accounts.has(s3uid)

/** Is the caller limited to some buckets, or to paths with a prefix? */
export const isLimited = ({ buckets, pathPrefix }: Caller): boolean => buckets !== undefined || pathPrefix !== undefined

/** May the caller know of this bucket? */
export const mayKnow = ({ buckets }: Caller, s3uid: string, bucket: string): boolean =>
  buckets === undefined || buckets.has(`${s3uid}/${bucket}`)

/** The accounts of these buckets, of those that the caller may use. */
export const accountsOf = (
  accounts: ReadonlySet<string> | undefined,
  buckets: ReadonlySet<string> | undefined
): ReadonlySet<string> | undefined => {
  if (buckets === undefined) return accounts
  const owners = [...buckets].map(each => each.slice(0, each.indexOf('/')))
  return new Set(owners.filter(s3uid => accounts === undefined || accounts.has(s3uid)))
}

/** The same answer for an account of someone else as for one that does not exist. */
export const noSuchAccount = () => new Problem('account-not-found', 'The customer has no such account.')
