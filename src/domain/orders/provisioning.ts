import { type RequestContext, verifying } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { createAccount, createOrder } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { findCreatedBucket } from '../storage/bucket-creation.ts'
import { findCreatedAccount, readAccountsOfPlan } from './reconciliation.ts'
import type { ProvisionedAccount, RequestedAccount } from './requested-account.ts'

/** The actions that create an account. */
export type ProvisioningAction = typeof createAccount | typeof createOrder

export interface ProvisioningParts {
  upstream: Upstream
  /** Pauses before each verification, milliseconds: HOSTKEY's lists may lag (assumed). */
  verifyDelaysMs: readonly number[]
}

/**
 * Creates an account with one POST that is never retried, without a ledger. When HOSTKEY's answer leaves open whether the
 * account exists, a comparison of the accounts before and after decides.
 * @throws Problem of the action; `account-state-unknown` when an account was created and cannot be identified
 */
export const provision = async (
  parts: ProvisioningParts,
  action: ProvisioningAction,
  requested: RequestedAccount,
  context: RequestContext
): Promise<ProvisionedAccount> => {
  const accountsBefore = await readAccountsOfPlan(parts.upstream, requested.planId, context)
  try {
    const s3uid = await sendProvisioning(parts.upstream, action, requested, context)
    return await withActualBucket(parts, s3uid, requested, context)
  } catch (error) {
    if (!isOutcomeOpen(error)) throw error
    const isReportedCreated = error.options.outcome === 'partial'
    const search = { requested, accountsBefore, isReportedCreated, verifyDelaysMs: parts.verifyDelaysMs }
    const finding = await findCreatedAccount(parts.upstream, search, verifying(context))
    if (finding.kind === 'none' && error.problem === 'payment-required') throw asNotApplied(error)
    if (finding.kind !== 'created') throw error
    return createdDespite(finding, error)
  }
}

/** A refusal after which no account was found: nothing was made. */
export const asNotApplied = ({ problem, message, options }: Problem): Problem =>
  new Problem(problem, message, { ...options, outcome: 'not-applied' })

/** Sends the one POST. @returns the account's s3uid. @throws Problem of the action */
export const sendProvisioning = async (
  upstream: Upstream,
  action: ProvisioningAction,
  { planId: plan_id, bucketName: bucket_name, location }: RequestedAccount,
  context: RequestContext
): Promise<string> => {
  const { s3uid } = await upstream.call(action, { plan_id, bucket_name, location }, context)
  return s3uid
}

/** The created account with the actual name of its bucket, once HOSTKEY lists it. Never throws. */
export const withActualBucket = async (
  { upstream, verifyDelaysMs }: ProvisioningParts,
  s3uid: string,
  { bucketName: name }: RequestedAccount,
  context: RequestContext
): Promise<ProvisionedAccount> => {
  const found = await findCreatedBucket(upstream, { s3uid, name, verifyDelaysMs }, new Set(), verifying(context))
  return { s3uid, ...(found && { bucket: found.name }) }
}

/** Does this failure leave open whether an account was created? */
export const isOutcomeOpen = (error: unknown): error is Problem =>
  isProblem(error) && (error.options.outcome === 'partial' || error.options.outcome === 'unknown')

/** What a person may read of a failure. */
const messageOf = ({ message, options: { upstream } }: Problem): string =>
  upstream?.message ?? (upstream?.reference ? `${message} Reference: ${upstream.reference}.` : message)

/** An account that was found although the answer was an error or lost. */
export const createdDespite = (
  { s3uid, bucket }: { s3uid: string; bucket: string | undefined },
  error: Problem
): ProvisionedAccount => ({
  s3uid,
  ...(bucket !== undefined && { bucket }),
  error: messageOf(error)
})
