import { setTimeout as pause } from 'node:timers/promises'
import { type Errand, unhurried } from '../caller.ts'
import { isProblem, type Problem } from '../problem.ts'
import { type createAccount, type createOrder, getUsers } from './actions/accounts.ts'
import { findMadeBucket, listedBuckets, madeBucket } from './buckets.ts'
import type { Upstream } from './client.ts'

/** An account to be made: the same for a free and for a paid one. */
export interface Wanted {
  planId: number
  bucketName: string
  location: string
}

/** An account that was made. */
export interface Made {
  s3uid: string
  /** Actual name of the first bucket; undefined when none was seen. */
  bucket: string | undefined
  /** What HOSTKEY said when it reported an error although the account exists. */
  error: string | undefined
}

interface Purchase {
  upstream: Upstream
  action: typeof createAccount | typeof createOrder
  settleMs: readonly number[]
}

/**
 * Makes an account with one POST that is never repeated. Where HOSTKEY's answer leaves it open whether the account
 * exists, the accounts before and after tell (UPSTREAM 5.4).
 * @throws Problem of the action; `account-state-unknown` when an account was made and cannot be named
 */
export const purchase = async (
  { upstream, action, settleMs }: Purchase,
  wanted: Wanted,
  errand: Errand
): Promise<Made> => {
  const before = await accountsOf(upstream, wanted, errand)
  const after = unhurried(errand)
  try {
    const { s3uid } = await upstream.call(
      action,
      { plan_id: wanted.planId, bucket_name: wanted.bucketName, location: wanted.location },
      errand
    )
    const found = await findMadeBucket(
      upstream,
      { s3uid, wished: wanted.bucketName, before: new Set(), settleMs },
      after
    )
    return { s3uid, bucket: found?.name, error: undefined }
  } catch (error) {
    if (!leavesItOpen(error)) throw error
    const isMade = error.options.outcome === 'partial'
    const found = await findMadeAccount(upstream, { wanted, before, isMade, settleMs }, after)
    if (!found) throw error
    return { ...found, error: error.options.upstream?.message ?? error.message }
  }
}

const leavesItOpen = (error: unknown): error is Problem =>
  isProblem(error) && (error.options.outcome === 'partial' || error.options.outcome === 'unknown')

const accountsOf = async (upstream: Upstream, { planId }: Wanted, errand: Errand): Promise<Set<string>> => {
  const { s3_users } = await upstream.call(getUsers, { plan_id: planId }, errand)
  return new Set(s3_users.map(({ s3uid }) => s3uid))
}

/** So many new accounts within seconds are an admin's view of all customers, and not looked through. */
const MAX_FRESH = 10

/** A new account, and its bucket of the wished name. */
interface Found {
  s3uid: string
  bucket: string | undefined
}

/**
 * The one account that was not there before and has the wished bucket: another order of the same customer may have
 * made an account meanwhile. Where HOSTKEY says that an account was made, one that has no bucket at all will do.
 */
const findMadeAccount = async (
  upstream: Upstream,
  options: { wanted: Wanted; before: ReadonlySet<string>; isMade: boolean; settleMs: readonly number[] },
  errand: Errand
): Promise<Found | undefined> => {
  const { wanted, before, isMade, settleMs } = options
  for (const ms of settleMs) {
    await pause(ms)
    const now = await accountsOf(upstream, wanted, errand).catch(() => new Set<string>())
    const fresh = [...now].filter(s3uid => !before.has(s3uid))
    if (fresh.length > MAX_FRESH) return undefined
    const candidates = await Promise.all(fresh.map(s3uid => candidateOf(upstream, s3uid, wanted, errand)))
    const own = candidates.filter(({ bucket }) => bucket !== undefined)
    const bare = candidates.filter(({ isBare }) => isMade && isBare)
    const found = own.length > 0 ? own : bare
    if (found.length > 0) return found.length === 1 ? found[0] : undefined
  }
  return undefined
}

/** A list that cannot be read says nothing against the account. */
const candidateOf = async (upstream: Upstream, s3uid: string, { bucketName }: Wanted, errand: Errand) => {
  const buckets = await listedBuckets(upstream, s3uid, errand).then(
    ({ answer }) => answer.message,
    () => []
  )
  return { s3uid, bucket: madeBucket(buckets, new Set(), bucketName)?.name, isBare: buckets.length === 0 }
}
