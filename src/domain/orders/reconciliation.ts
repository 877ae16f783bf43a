import { setTimeout as pause } from 'node:timers/promises'
import type { RequestContext } from '../../core/context.ts'
import { getUsers } from '../../upstream/actions/accounts.ts'
import type { Upstream } from '../../upstream/client.ts'
import { listedBuckets } from '../storage/buckets.ts'
import type { Wanted } from './provisioning.ts'

/** More new accounts than this are not looked into one by one. */
const MAX_INSPECTED = 20

/** What a look at the accounts before and after has shown. */
export type Finding =
  | { kind: 'made'; s3uid: string; bucket: string | undefined }
  | { kind: 'none' }
  | { kind: 'unclear' }

/** What is looked for. */
export interface Search {
  wanted: Wanted
  before: ReadonlySet<string>
  /** Does HOSTKEY say that an account was made? Then one without any bucket will do. */
  isMade: boolean
  /** Is this account known to be another order's? */
  isOthers?: (s3uid: string) => Promise<boolean>
}

/** The accounts of a plan, by name. @throws Problem of get_users */
export const accountsOfPlan = async (
  upstream: Upstream,
  planId: number,
  context: RequestContext
): Promise<Set<string>> => {
  const { s3_users } = await upstream.call(getUsers, { plan_id: planId }, context)
  return new Set(s3_users.map(({ s3uid }) => s3uid))
}

/**
 * Looks, by reading only, for the account that a purchase with a lost answer has made (UPSTREAM 5.4): the one that was
 * not there before and owns the wished bucket. Another order of the same customer may have made one meanwhile.
 */
export const lookForAccount = async (
  upstream: Upstream,
  { verifyDelaysMs, ...search }: Search & { verifyDelaysMs: readonly number[] },
  context: RequestContext
): Promise<Finding> => {
  let finding: Finding = { kind: 'unclear' }
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    finding = await look(upstream, search, context).catch((): Finding => ({ kind: 'unclear' }))
    if (finding.kind === 'made' || context.deadline?.aborted) break
  }
  return finding
}

const look = async (upstream: Upstream, search: Search, context: RequestContext): Promise<Finding> => {
  const { wanted, isMade } = search
  // Of the plan, as before the POST: an older account of another plan may own a bucket of that name.
  const asked = { bucket_name: wanted.bucketName, plan_id: wanted.planId }
  const { s3_users } = await upstream.call(getUsers, asked, context)
  const [owner] = await freshOf(
    s3_users.map(({ s3uid }) => s3uid),
    search
  )
  // An upstream that ignores the filter lists them all, be it only one: the buckets decide.
  if (owner !== undefined && s3_users.length === 1) {
    const bucket = await bucketOf(upstream, owner, wanted, context)
    if (bucket !== undefined) return { kind: 'made', s3uid: owner, bucket }
  }
  const fresh = await freshOf(await accountsOfPlan(upstream, wanted.planId, context), search)
  if (fresh.length > MAX_INSPECTED) return { kind: 'unclear' }
  return judged(upstream, { wanted, isMade }, fresh, context)
}

/** Those that were not there before, and that no other order has made. */
const freshOf = async (
  s3uids: Iterable<string>,
  { before, isOthers = async () => false }: Search
): Promise<string[]> => {
  const fresh = [...s3uids].filter(s3uid => !before.has(s3uid))
  const others = await Promise.all(fresh.map(isOthers))
  return fresh.filter((_, index) => !others[index])
}

/** Which of the new accounts is ours? */
const judged = async (
  upstream: Upstream,
  { wanted, isMade }: Pick<Search, 'wanted' | 'isMade'>,
  fresh: string[],
  context: RequestContext
): Promise<Finding> => {
  const seen = await Promise.all(
    fresh.map(async s3uid => {
      const { answer } = await listedBuckets(upstream, s3uid, context)
      const names = answer.message.map(({ name }) => name)
      return { s3uid, isEmpty: names.length === 0, bucket: names.find(name => isWished(name, wanted)) }
    })
  )
  const owners = seen.filter(({ bucket }) => bucket !== undefined)
  const bare = seen.filter(({ isEmpty }) => isEmpty)
  const candidates = owners.length > 0 ? owners : isMade ? bare : []
  const [only] = candidates
  if (only && candidates.length === 1) return { kind: 'made', s3uid: only.s3uid, bucket: only.bucket }
  // A bare account may be ours without its bucket, or another order's that has no bucket yet.
  return { kind: owners.length === 0 && bare.length === 0 ? 'none' : 'unclear' }
}

/** HOSTKEY may put a prefix before the wished name (observed). */
const isWished = (name: string, { bucketName }: Wanted) => name === bucketName || name.endsWith(`-${bucketName}`)

const bucketOf = async (
  upstream: Upstream,
  s3uid: string,
  wanted: Wanted,
  context: RequestContext
): Promise<string | undefined> => {
  const { answer } = await listedBuckets(upstream, s3uid, context)
  return answer.message.map(({ name }) => name).find(name => isWished(name, wanted))
}
