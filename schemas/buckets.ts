import { type Static, Type } from 'typebox'
import { describe, model, oneOf, ref } from './model.ts'
import { BucketName, Bytes, Instant, NewBucketName, S3Uid, Traffic } from './scalars.ts'
import { UsageSnapshot } from './usage.ts'
import { Warning } from './warnings.ts'

export type Bucket = Static<typeof Bucket>
export const Bucket = model('Bucket', 'A bucket of an S3 account.', {
  name: BucketName,
  createdAt: Type.Optional(describe(Instant, 'Time of creation.')),
  storageBytes: Type.Optional(describe(Bytes, 'Size of its files, in bytes; only with `expand=usage`.'))
})

export type BucketList = Static<typeof BucketList>
export const BucketList = model('BucketList', 'The buckets of an account.', {
  items: Type.Array(ref(Bucket), { maxItems: 100000, description: 'The buckets.' }),
  bandwidth: Type.Optional(Traffic),
  snapshot: Type.Optional(ref(UsageSnapshot))
})

export const BucketsQuery = Type.Object(
  {
    expand: Type.Optional(
      oneOf(['usage'], {
        description: '`usage` adds `storageBytes` to each bucket. It needs a second, slower call to HOSTKEY.'
      })
    )
  },
  { additionalProperties: false }
)

export type NewBucket = Static<typeof NewBucket>
export const NewBucket = model('NewBucket', 'A bucket to create.', { name: NewBucketName })

export type CreatedBucket = Static<typeof CreatedBucket>
export const CreatedBucket = model('CreatedBucket', 'A created bucket, with its actual name.', {
  name: BucketName,
  createdAt: Type.Optional(describe(Instant, 'Time of creation.')),
  warnings: Type.Array(ref(Warning), { maxItems: 10, description: 'Empty after a complete success.' })
})

export const BucketPath = Type.Object({ s3uid: S3Uid, bucket: BucketName }, { additionalProperties: false })
