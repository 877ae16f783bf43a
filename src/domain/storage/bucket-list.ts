import type { RequestContext } from '../../core/context.ts'
import { isProblem } from '../../core/problem.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import type { Upstream } from '../../upstream/client.ts'

/** A bucket as HOSTKEY lists it. */
export type ListedBucket = Result<typeof getBuckets>['message'][number]

/** The buckets of an account as HOSTKEY lists them. */
export interface ListedBuckets {
  answer: Result<typeof getBuckets>
  /** Storage of each bucket; undefined when get_buckets answered, which does not know it. */
  usage: Result<typeof getBucketsUsage>['message'] | undefined
}

/**
 * Lists the buckets with get_buckets, or with get_buckets_rmq where HOSTKEY does not know get_buckets: one edition of
 * the vendor's page calls it commented out.
 */
export const readBuckets = async (
  upstream: Upstream,
  s3uid: string,
  context: RequestContext
): Promise<ListedBuckets> => {
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

/** The names of the buckets. */
export const readBucketNames = async (
  upstream: Upstream,
  s3uid: string,
  context: RequestContext
): Promise<string[]> => {
  const { answer } = await readBuckets(upstream, s3uid, context)
  return answer.message.map(({ name }) => name)
}
