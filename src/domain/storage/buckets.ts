import { setTimeout as pause } from 'node:timers/promises'
import { type RequestContext, verifying } from '../../core/context.ts'
import { isProblem } from '../../core/problem.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { createBucket, getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import type { Upstream } from '../../upstream/client.ts'
import { isOutcomeLost } from '../../upstream/protocol/failure-stage.ts'

/** The buckets of an account. */
export interface Listed {
  answer: Result<typeof getBuckets>
  /** Storage of each bucket, where the second source had to answer: it knows. */
  usage: Result<typeof getBucketsUsage>['message'] | undefined
}

/**
 * Lists by get_buckets, or by get_buckets_rmq where HOSTKEY says that it has no get_buckets: one edition of the
 * vendor's page calls it commented out.
 */
export const listedBuckets = async (upstream: Upstream, s3uid: string, context: RequestContext): Promise<Listed> => {
  try {
    return { answer: await upstream.call(getBuckets, { s3uid }, context), usage: undefined }
  } catch (error) {
    if (!isProblem(error, 'invalid-request')) throw error
    const { message, bandwidth, snapshots } = await upstream.call(getBucketsUsage, { s3uid }, context)
    const snapshot = snapshots?.at(-1)
    return {
      answer: {
        message: message.map(({ name }) => ({ name })),
        ...(bandwidth !== undefined && { bandwidth }),
        ...(snapshot && { snapshot })
      },
      usage: message
    }
  }
}

/** A bucket as HOSTKEY lists it. */
export type ListedBucket = Result<typeof getBuckets>['message'][number]

/**
 * The bucket that a create has made: the new one of that name, else the one new name that ends in `-<wished>`, for
 * HOSTKEY may put a prefix before it (observed).
 */
export const madeBucket = (
  listed: ListedBucket[],
  before: ReadonlySet<string>,
  wished: string
): ListedBucket | undefined => {
  const fresh = listed.filter(({ name }) => !before.has(name))
  const prefixed = fresh.filter(({ name }) => name.endsWith(`-${wished}`))
  return fresh.find(({ name }) => name === wished) ?? (prefixed.length === 1 ? prefixed[0] : undefined)
}

/**
 * Creates a bucket with one POST that is never repeated, and looks for it under its actual name. A bucket that is seen
 * was made, even when HOSTKEY's answer was lost.
 * @returns undefined when HOSTKEY says that it was made and does not list it yet
 * @throws Problem of create_bucket and of the list
 */
export const createdBucket = async (
  upstream: Upstream,
  { s3uid, wished, verifyDelaysMs }: { s3uid: string; wished: string; verifyDelaysMs: readonly number[] },
  context: RequestContext
): Promise<ListedBucket | undefined> => {
  const { answer } = await listedBuckets(upstream, s3uid, context)
  const before = new Set(answer.message.map(({ name }) => name))
  const find = () => findMadeBucket(upstream, { s3uid, wished, before, verifyDelaysMs }, verifying(context))
  try {
    await upstream.call(createBucket, { s3uid, bucket_name: wished }, context)
  } catch (error) {
    const found = isOutcomeLost(error) && !before.has(wished) ? await find() : undefined
    if (found) return found
    throw error
  }
  // Where none is new, the caller's own of that name may be meant: some storages make it again and say that they have.
  return (await find()) ?? answer.message.find(({ name }) => name === wished)
}

/**
 * Looks for the bucket that a create has made, once for each pause. Undefined when it is not seen, or the list cannot
 * be read: the create has succeeded all the same.
 */
export const findMadeBucket = async (
  upstream: Upstream,
  {
    s3uid,
    wished,
    before,
    verifyDelaysMs
  }: { s3uid: string; wished: string; before: ReadonlySet<string>; verifyDelaysMs: readonly number[] },
  context: RequestContext
): Promise<ListedBucket | undefined> => {
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    const found = await listedBuckets(upstream, s3uid, context).then(
      ({ answer }) => madeBucket(answer.message, before, wished),
      () => undefined
    )
    if (found || context.deadline?.aborted) return found
  }
  return undefined
}
