import { AccountPath } from '../schemas/accounts.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { Usage, type UsageSnapshot } from '../schemas/usage.ts'
import { toInstant } from '../src/core/timestamps.ts'
import { defined } from '../src/core/without-undefined.ts'
import { answers, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import type { Result } from '../src/upstream/actions/action.ts'
import { type getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'

/** Storage and traffic of one S3 account. */
export const usage: Routes = async (app, { upstream }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/usage',
    config: needs('buckets:read', 'usage'),
    schema: {
      operationId: 'getUsage',
      summary: 'Read storage and traffic',
      description:
        'HOSTKEY answers through a queue, so this is slower than a list and has its own rate limit. HOSTKEY measures from time to time: see `createdAt` of each entry in `snapshots`.',
      tags: ['Usage'],
      params: AccountPath,
      headers: VersionHeaders,
      response: answers(versioned(Usage), getBucketsUsage)
    },
    async handler(request) {
      const { s3uid } = request.params
      return toUsage(await upstream.call(getBucketsUsage, { s3uid }, contextOf(request)))
    }
  })
}

/** Field by field, so that the key pair in HOSTKEY's answer ends here. */
const toUsage = (theirs: Result<typeof getBucketsUsage>): Usage => {
  const { usage_storage, quota } = theirs
  return defined({
    storageBytes: usage_storage,
    quotaBytes: quota,
    quotaUsedRatio: usage_storage !== undefined && quota ? usage_storage / quota : undefined,
    bandwidth: theirs.bandwidth,
    buckets: theirs.message.map(({ name, usage }) => defined({ name, storageBytes: usage })),
    snapshots: (theirs.snapshots ?? []).map(toSnapshot)
  })
}

type ListedSnapshot = NonNullable<Result<typeof getBuckets>['snapshot']>

/** Storage and traffic at an instant. */
export const toSnapshot = (theirs: ListedSnapshot): UsageSnapshot =>
  defined({
    storageBytes: theirs.storage_usage,
    bandwidth: theirs.bandwidth_usage,
    createdAt: toInstant(theirs.created_at)
  })
