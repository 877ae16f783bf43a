import { type Static, Type } from 'typebox'
import { model, ref } from './model.ts'
import { BucketName, Bytes, Instant, Traffic } from './scalars.ts'

export type UsageSnapshot = Static<typeof UsageSnapshot>
export const UsageSnapshot = model('UsageSnapshot', 'Storage and traffic as HOSTKEY counted them at an instant.', {
  storageBytes: Type.Optional(Bytes),
  bandwidth: Type.Optional(Traffic),
  createdAt: Type.Optional(Instant)
})

export type BucketUsage = Static<typeof BucketUsage>
export const BucketUsage = model('BucketUsage', 'Storage of one bucket.', {
  name: BucketName,
  storageBytes: Type.Optional(Bytes)
})

export type Usage = Static<typeof Usage>
export const Usage = model('Usage', 'Storage and traffic of an account. Counted from time to time, so a little old.', {
  storageBytes: Type.Optional(Bytes),
  quotaBytes: Type.Optional(Bytes),
  quotaUsedRatio: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: '`storageBytes` over `quotaBytes`; absent without a quota.'
    })
  ),
  bandwidth: Type.Optional(Traffic),
  buckets: Type.Array(ref(BucketUsage), { maxItems: 100000, description: 'Storage of each bucket.' }),
  snapshots: Type.Array(ref(UsageSnapshot), { maxItems: 100000, description: 'Earlier counts.' })
})
