import type { Usage, UsageSnapshot } from '../../../schemas/usage.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { toInstant } from '../../core/timestamps.ts'
import type { Result } from '../../upstream/actions/action.ts'
import type { getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import { forecastOf } from './forecast.ts'

/** Maps member by member, so that the key pair in HOSTKEY's answer stops here. */
export const toUsage = (theirs: Result<typeof getBucketsUsage>, now: number): Usage => {
  const { usage_storage, quota } = theirs
  const snapshots = (theirs.snapshots ?? []).map(toSnapshot)
  return optionalMembers({
    storageBytes: usage_storage,
    quotaBytes: quota,
    quotaUsedRatio: usage_storage !== undefined && quota ? usage_storage / quota : undefined,
    ...forecastOf(optionalMembers({ storageBytes: usage_storage, quotaBytes: quota }), snapshots, now),
    bandwidth: theirs.bandwidth,
    buckets: theirs.message.map(({ name, usage }) => optionalMembers({ name, storageBytes: usage })),
    snapshots
  })
}

/** Storage and traffic at an instant. */
export const toSnapshot = (theirs: NonNullable<Result<typeof getBuckets>['snapshot']>): UsageSnapshot =>
  optionalMembers({
    storageBytes: theirs.storage_usage,
    bandwidth: theirs.bandwidth_usage,
    createdAt: toInstant(theirs.created_at)
  })
