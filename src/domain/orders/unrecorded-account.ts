import type { RequestContext } from '../../core/context.ts'
import { isProblem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { isNamedAsRequested } from '../storage/bucket-creation.ts'
import { readBuckets } from '../storage/bucket-list.ts'
import { type Candidate, type Finding, findingOf, MAX_INSPECTED } from './reconciliation.ts'
import type { RequestedAccount } from './requested-account.ts'

export interface UnrecordedSearch {
  requested: RequestedAccount
  /** Accounts with an older bucket existed before, milliseconds since 1970. */
  since: number
  /** Does the ledger know the account as that of another order? */
  belongsToOther: (s3uid: string) => Promise<boolean>
}

/**
 * Finds the account of an order that a restored ledger does not know. HOSTKEY dates buckets and not accounts, and its
 * account numbers ascend (assumed): the newest accounts are read until one is older than the backup.
 * @returns also the accounts that are not candidates
 * @throws Problem of get_users and get_buckets
 */
export const findUnrecordedAccount = async (
  upstream: Upstream,
  { requested, since, belongsToOther }: UnrecordedSearch,
  context: RequestContext
): Promise<{ finding: Finding; others: string[] }> => {
  const { s3_users } = await upstream.call(getUsers, { plan_id: requested.planId }, context)
  const rankOf = ({ id = Number.MAX_SAFE_INTEGER }) => id
  const candidates: Candidate[] = []
  const inspect = async (s3uid: string): Promise<Candidate & { isOld: boolean }> => {
    const listed = await readBuckets(upstream, s3uid, context).catch(error => {
      // Deleted meanwhile, or unreadable: then it may be the account.
      if (isProblem(error, 'account-not-found', 'upstream-storage-error')) return undefined
      throw error
    })
    const buckets = listed?.answer.message ?? []
    const bucket = buckets.find(({ name }) => isNamedAsRequested(name, requested.bucketName))
    const isOld = buckets.some(({ creation_date }) => Date.parse(toInstant(creation_date) ?? '') < since)
    return { s3uid, bucket: bucket?.name, isEmpty: buckets.length === 0, isOld }
  }
  for (const account of s3_users.toSorted((a, b) => rankOf(b) - rankOf(a))) {
    const { s3uid } = account
    if (await belongsToOther(s3uid)) continue
    const { isOld, ...candidate } = await inspect(s3uid)
    if (isOld && account.id !== undefined) break
    if (!isOld) candidates.push(candidate)
    if (candidates.length > MAX_INSPECTED) break
  }
  const ids = new Set(candidates.map(({ s3uid }) => s3uid))
  const finding: Finding = candidates.length > MAX_INSPECTED ? { kind: 'unclear' } : findingOf(candidates, false)
  return { finding, others: s3_users.map(({ s3uid }) => s3uid).filter(s3uid => !ids.has(s3uid)) }
}
