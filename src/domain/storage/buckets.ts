import type { Bucket, BucketList, CreatedBucket } from '../../../schemas/buckets.ts'
import { bucketUnconfirmed } from '../../../schemas/warnings.ts'
import { isLimited, mayKnow } from '../../core/caller.ts'
import { type RequestContext, verifying } from '../../core/context.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import { deleteBucket, getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import { createVerifiedBucket, findCreatedBucket } from './bucket-creation.ts'
import { type ListedBucket, readBucketNames, readBuckets } from './bucket-list.ts'
import type { StorageParts } from './storage-parts.ts'
import { toSnapshot } from './usage.ts'
import { deleteVerified } from './verified-deletion.ts'

/** The buckets of an account. */
export interface Buckets {
  /** @param withUsage also the storage of each bucket, by a second, slower call */
  list(context: RequestContext, s3uid: string, options: { withUsage: boolean }): Promise<BucketList>
  /** @returns the bucket under its actual name, or under the requested one with a warning while HOSTKEY does not list it */
  create(context: RequestContext, s3uid: string, name: string): Promise<CreatedBucket>
  /** Deletes an empty bucket. @throws Problem bucket-not-empty, bucket-not-found; of the action */
  delete(context: RequestContext, s3uid: string, name: string): Promise<void>
}

export const createBuckets = ({
  upstream,
  recentWrites,
  links,
  verifyDelaysMs,
  onActionMissing
}: StorageParts): Buckets => ({
  async list(context, s3uid, { withUsage }) {
    const { answer, usage: known } = await readBuckets(upstream, s3uid, context)
    if (known) onActionMissing(getBuckets.name)
    const readUsage = async () => known ?? (await upstream.call(getBucketsUsage, { s3uid }, context)).message
    const usage = new Map(withUsage ? (await readUsage()).map(({ name, usage }) => [name, usage]) : [])
    const { caller } = context
    // The size of a bucket, and the traffic of an account, tell of more than such a caller may know.
    const hasSizes = withUsage && caller.pathPrefix === undefined
    return optionalMembers({
      items: answer.message
        .filter(({ name }) => mayKnow(caller, s3uid, name))
        .map(bucket => toBucket(bucket, hasSizes ? usage.get(bucket.name) : undefined)),
      ...(!isLimited(caller) && {
        bandwidth: answer.bandwidth,
        snapshot: answer.snapshot && toSnapshot(answer.snapshot)
      })
    })
  },

  async create(context, s3uid, name) {
    const requested = { s3uid, name, verifyDelaysMs }
    const found = await recentWrites.runCreation(context.caller, [s3uid, name], {
      create: () => createVerifiedBucket(upstream, requested, context),
      find: () => findCreatedBucket(upstream, requested, new Set(), verifying(context))
    })
    await recentWrites.forgetDeletion(context.caller, [s3uid, found?.name ?? name])
    return found ? { ...toBucket(found), warnings: [] } : { name, warnings: [bucketUnconfirmed] }
  },

  async delete(context, s3uid, name) {
    const deletion = {
      send: () =>
        upstream.call(deleteBucket, { s3uid, bucket_name: name }, context).catch((error: unknown) => {
          if (!isProblem(error, 'bucket-not-empty')) throw error
          const empty = links.fileDeletions(s3uid, name)
          throw new Problem(error.problem, error.message, { ...error.options, links: { empty } })
        }),
      isGone: async (context: RequestContext) => !(await readBucketNames(upstream, s3uid, context)).includes(name),
      verifyDelaysMs
    }
    await recentWrites.runDeletion(context.caller, [s3uid, name], () => deleteVerified(deletion, context))
  }
})

const toBucket = (theirs: ListedBucket, storageBytes?: number): Bucket =>
  optionalMembers({ name: theirs.name, createdAt: toInstant(theirs.creation_date), storageBytes })
