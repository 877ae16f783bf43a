import { type Static, Type } from 'typebox'
import { describe, model, ref } from './model.ts'
import { BucketName, Bytes, Instant, Traffic } from './scalars.ts'

export type UsageSnapshot = Static<typeof UsageSnapshot>
export const UsageSnapshot = model('UsageSnapshot', 'Storage and traffic at one point in time.', {
  storageBytes: Type.Optional(describe(Bytes, 'Storage used, in bytes.')),
  bandwidth: Type.Optional(Traffic),
  createdAt: Type.Optional(describe(Instant, 'Time of the measurement.'))
})

export type BucketUsage = Static<typeof BucketUsage>
export const BucketUsage = model('BucketUsage', 'Storage of one bucket.', {
  name: BucketName,
  storageBytes: Type.Optional(describe(Bytes, 'Size of its files, in bytes.'))
})

export type Usage = Static<typeof Usage>
export const Usage = model(
  'Usage',
  'Storage and traffic of an account. HOSTKEY measures them from time to time, so the values lag.',
  {
    storageBytes: Type.Optional(describe(Bytes, 'Storage used, in bytes.')),
    quotaBytes: Type.Optional(describe(Bytes, 'Storage quota, in bytes.')),
    quotaUsedRatio: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: '`storageBytes` divided by `quotaBytes`; absent without a quota.'
      })
    ),
    bandwidth: Type.Optional(Traffic),
    buckets: Type.Array(ref(BucketUsage), { maxItems: 100000, description: 'Storage of each bucket.' }),
    snapshots: Type.Array(ref(UsageSnapshot), { maxItems: 100000, description: 'Earlier measurements.' })
  }
)
