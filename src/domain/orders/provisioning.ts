import { type RequestContext, verifying } from '../../core/context.ts'
import { isProblem, type Problem } from '../../core/problem.ts'
import type { createAccount, createOrder } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { findMadeBucket } from '../storage/buckets.ts'
import { accountsOfPlan, lookForAccount } from './reconciliation.ts'

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
  bucket?: string
  /** What HOSTKEY said when it reported an error although the account exists. */
  error?: string
}

export interface Purchase {
  upstream: Upstream
  action: typeof createAccount | typeof createOrder
  verifyDelaysMs: readonly number[]
}

/**
 * Makes an account with one POST that is never repeated, without a ledger. Where HOSTKEY's answer leaves it open whether
 * the account exists, the accounts before and after tell (UPSTREAM 5.4).
 * @throws Problem of the action; `account-state-unknown` when an account was made and cannot be named
 */
export const purchase = async (how: Purchase, wanted: Wanted, context: RequestContext): Promise<Made> => {
  const before = await accountsOfPlan(how.upstream, wanted.planId, context)
  try {
    return await withBucket(how, { s3uid: await send(how, wanted, context), wanted }, context)
  } catch (error) {
    if (!leavesItOpen(error)) throw error
    const finding = await lookForAccount(
      how.upstream,
      { wanted, before, isMade: error.options.outcome === 'partial', verifyDelaysMs: how.verifyDelaysMs },
      verifying(context)
    )
    if (finding.kind !== 'made') throw error
    return madeDespite(finding, error)
  }
}

/** The one POST. @returns the account. @throws Problem of the action */
export const send = async (
  { upstream, action }: Purchase,
  wanted: Wanted,
  context: RequestContext
): Promise<string> => {
  const { planId: plan_id, bucketName: bucket_name, location } = wanted
  const { s3uid } = await upstream.call(action, { plan_id, bucket_name, location }, context)
  return s3uid
}

/** The account that was made, with the actual name of its bucket where it is seen. Throws nothing. */
export const withBucket = async (
  { upstream, verifyDelaysMs }: Pick<Purchase, 'upstream' | 'verifyDelaysMs'>,
  { s3uid, wanted }: { s3uid: string; wanted: Wanted },
  context: RequestContext
): Promise<Made> => {
  const search = { s3uid, wished: wanted.bucketName, before: new Set<string>(), verifyDelaysMs }
  const found = await findMadeBucket(upstream, search, verifying(context))
  return { s3uid, ...(found && { bucket: found.name }) }
}

/** Does this failure leave it open whether an account was made? */
export const leavesItOpen = (error: unknown): error is Problem =>
  isProblem(error) && (error.options.outcome === 'partial' || error.options.outcome === 'unknown')

/** An account that was found although the answer was an error, or none. */
export const madeDespite = (
  { s3uid, bucket }: { s3uid: string; bucket: string | undefined },
  error: Problem
): Made => ({
  s3uid,
  ...(bucket !== undefined && { bucket }),
  error: error.options.upstream?.message ?? error.message
})
