import { setTimeout as pause } from 'node:timers/promises'
import { isOverdue, type RequestContext } from '../../core/context.ts'
import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { isNamedAsRequested } from '../storage/bucket-creation.ts'
import { readBucketNames } from '../storage/bucket-list.ts'
import type { RequestedAccount } from './requested-account.ts'

/** With more new accounts than this, none of them is inspected. */
export const MAX_INSPECTED = 20

/** The result of comparing the accounts before and after an order. */
export type Finding =
  | { kind: 'created'; s3uid: string; bucket: string | undefined }
  | { kind: 'none' }
  | { kind: 'unclear' }

/** A new account, and whether it may be the order's. */
export interface Candidate {
  s3uid: string
  isEmpty: boolean
  /** Actual name of the requested bucket, when the account has it. */
  bucket: string | undefined
}

export interface AccountSearch {
  requested: RequestedAccount
  /** The accounts of the plan before the order was sent. */
  accountsBefore: ReadonlySet<string>
  /** HOSTKEY reports that it created an account: then a new account without a bucket counts. */
  isReportedCreated: boolean
  /** Is the account known to belong to another order? */
  belongsToOther?: (s3uid: string) => Promise<boolean>
}

/** The accounts of a plan. @throws Problem of get_users */
export const readAccountsOfPlan = async (
  upstream: Upstream,
  planId: number,
  context: RequestContext
): Promise<Set<string>> => {
  const { s3_users } = await upstream.call(getUsers, { plan_id: planId }, context)
  return new Set(s3_users.map(({ s3uid }) => s3uid))
}

/**
 * Finds the account that an order with a lost answer has created, by reads alone: the one that did not exist before and
 * owns the requested bucket. Another order of the same customer may have created one meanwhile.
 */
export const findCreatedAccount = async (
  upstream: Upstream,
  { verifyDelaysMs, ...search }: AccountSearch & { verifyDelaysMs: readonly number[] },
  context: RequestContext
): Promise<Finding> => {
  let finding: Finding = { kind: 'unclear' }
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    finding = await searchOnce(upstream, search, context).catch((): Finding => ({ kind: 'unclear' }))
    if (finding.kind === 'created' || isOverdue(context)) break
  }
  return finding
}

const searchOnce = async (upstream: Upstream, search: AccountSearch, context: RequestContext): Promise<Finding> => {
  const { planId, bucketName } = search.requested
  // With the plan, as before the order: an older account of another plan may own a bucket of that name.
  const { s3_users } = await upstream.call(getUsers, { bucket_name: bucketName, plan_id: planId }, context)
  const [owner] = await newAccounts(
    s3_users.map(({ s3uid }) => s3uid),
    search
  )
  // An upstream that ignores the filter lists every account, perhaps only one: the buckets decide.
  if (owner !== undefined && s3_users.length === 1) {
    const names = await readBucketNames(upstream, owner, context)
    const bucket = names.find(name => isNamedAsRequested(name, bucketName))
    if (bucket !== undefined) return { kind: 'created', s3uid: owner, bucket }
  }
  const candidates = await newAccounts(await readAccountsOfPlan(upstream, planId, context), search)
  if (candidates.length > MAX_INSPECTED) return { kind: 'unclear' }
  return inspect(upstream, search, candidates, context)
}

/** The accounts that did not exist before the order and belong to no other order. */
const newAccounts = async (
  s3uids: Iterable<string>,
  { accountsBefore, belongsToOther = async () => false }: AccountSearch
): Promise<string[]> => {
  const added = [...s3uids].filter(s3uid => !accountsBefore.has(s3uid))
  const isOther = await Promise.all(added.map(belongsToOther))
  return added.filter((_, index) => !isOther[index])
}

/** Reads the buckets of each candidate, to tell which account is this order's. */
const inspect = async (
  upstream: Upstream,
  { requested, isReportedCreated }: AccountSearch,
  s3uids: readonly string[],
  context: RequestContext
): Promise<Finding> => {
  const candidates = await Promise.all(
    s3uids.map(async s3uid => {
      const names = await readBucketNames(upstream, s3uid, context)
      const bucket = names.find(name => isNamedAsRequested(name, requested.bucketName))
      return { s3uid, isEmpty: names.length === 0, bucket }
    })
  )
  return findingOf(candidates, isReportedCreated)
}

/** Which of the new accounts is the order's? */
export const findingOf = (candidates: readonly Candidate[], isReportedCreated: boolean): Finding => {
  const owners = candidates.filter(({ bucket }) => bucket !== undefined)
  const empty = candidates.filter(({ isEmpty }) => isEmpty)
  const matches = owners.length > 0 ? owners : isReportedCreated ? empty : []
  const [match] = matches
  if (match && matches.length === 1) return { kind: 'created', s3uid: match.s3uid, bucket: match.bucket }
  // An empty account may be this order's without its bucket, or another order's before its bucket exists.
  return { kind: owners.length === 0 && empty.length === 0 ? 'none' : 'unclear' }
}
