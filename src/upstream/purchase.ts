import { setTimeout as pause } from 'node:timers/promises'
import { type Errand, unhurried } from '../caller.ts'
import { isProblem, Problem } from '../problem.ts'
import { type createAccount, type createOrder, getUsers } from './actions/accounts.ts'
import { findMadeBucket } from './buckets.ts'
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
export const purchase = async ({ upstream, action, settleMs }: Purchase, wanted: Wanted, errand: Errand): Promise<Made> => {
  const before = await accountsOf(upstream, wanted, errand)
  const after = unhurried(errand)
  try {
    const { s3uid } = await upstream.call(
      action,
      { plan_id: wanted.planId, bucket_name: wanted.bucketName, location: wanted.location },
      errand
    )
    const found = await findMadeBucket(upstream, { s3uid, wished: wanted.bucketName, before: new Set(), settleMs }, after)
    return { s3uid, bucket: found?.name, error: undefined }
  } catch (error) {
    if (!leavesItOpen(error)) throw error
    const s3uid = await findMadeAccount(upstream, { wanted, before, settleMs }, after)
    if (s3uid === undefined) throw error
    const found = await findMadeBucket(upstream, { s3uid, wished: wanted.bucketName, before: new Set(), settleMs: [0] }, after)
    return { s3uid, bucket: found?.name, error: error.options.upstream?.message ?? error.message }
  }
}

const leavesItOpen = (error: unknown): error is Problem =>
  isProblem(error) && (error.options.outcome === 'partial' || error.options.outcome === 'unknown')

const accountsOf = async (upstream: Upstream, { planId }: Wanted, errand: Errand): Promise<Set<string>> => {
  const { s3_users } = await upstream.call(getUsers, { plan_id: planId }, errand)
  return new Set(s3_users.map(({ s3uid }) => s3uid))
}

/** The one account that was not there before; undefined when there is none or there are several. */
const findMadeAccount = async (
  upstream: Upstream,
  { wanted, before, settleMs }: { wanted: Wanted; before: ReadonlySet<string>; settleMs: readonly number[] },
  errand: Errand
): Promise<string | undefined> => {
  for (const ms of settleMs) {
    await pause(ms)
    const now = await accountsOf(upstream, wanted, errand).catch(() => new Set<string>())
    const made = [...now].filter(s3uid => !before.has(s3uid))
    if (made.length > 0) return made.length === 1 ? made[0] : undefined
  }
  return undefined
}
