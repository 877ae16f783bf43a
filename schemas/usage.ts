import { type Static, Type } from 'typebox'
import { model, ref, told } from './model.ts'
import { BucketName, Bytes, Instant, Traffic } from './scalars.ts'

export type UsageSnapshot = Static<typeof UsageSnapshot>
export const UsageSnapshot = model('UsageSnapshot', 'Storage and traffic as HOSTKEY counted them at an instant.', {
  storageBytes: Type.Optional(told(Bytes, 'How many bytes the files took.')),
  bandwidth: Type.Optional(Traffic),
  createdAt: Type.Optional(told(Instant, 'When HOSTKEY counted.'))
})

export type BucketUsage = Static<typeof BucketUsage>
export const BucketUsage = model('BucketUsage', 'Storage of one bucket.', {
  name: BucketName,
  storageBytes: Type.Optional(told(Bytes, 'How many bytes its files take.'))
})

export type Usage = Static<typeof Usage>
export const Usage = model('Usage', 'Storage and traffic of an account. Counted from time to time, so a little old.', {
  storageBytes: Type.Optional(told(Bytes, 'How many bytes the account holds.')),
  quotaBytes: Type.Optional(told(Bytes, 'How many bytes it may hold.')),
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
