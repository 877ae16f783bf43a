import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import { refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'
import { bucketOf, bucketsOf, openBucket, removeBucket, sizeOf } from '../storage.ts'
import type { Account, Bucket, Snapshot, World } from '../world.ts'

export const get_buckets = accountRule(getBuckets, ['s3uid'], (_params, account, { world }) => {
  const { getBuckets: mode } = world.switches
  const last = account.snapshots.at(-1)
  return {
    message: listedBuckets(world, account).map(({ name, createdAt }) => ({ name, creation_date: createdAt })),
    bandwidth: account.bandwidth,
    ...(last && { snapshot: printed(last) }),
    ...(mode === 'withKeys' && keyPair(account))
  }
})

export const get_buckets_rmq = accountRule(getBucketsUsage, ['s3uid'], (_params, account, { world }) => ({
  message: listedBuckets(world, account).map(({ name, sizeBytes }) => ({ name, usage: sizeBytes })),
  bandwidth: account.bandwidth,
  usage_storage: sizeOf(world, account),
  quota: account.quota,
  snapshots: account.snapshots.map(printed),
  ...keyPair(account)
}))

export const create_bucket = accountRule(
  createBucket,
  ['s3uid', 'bucket_name'],
  ({ bucket_name }, account, { world }) => {
    const { createBucketHeaders, disguised } = world.switches
    const storageAnswer = (status: number) => ({
      message: { status, body: '', headers: createBucketHeaders === 'list' ? [] : {} }
    })
    if (typeof disguised === 'number') return storageAnswer(disguised)
    const made = openBucket(world, account, bucket_name)
    if (typeof made === 'object') return storageAnswer(200)
    if (disguised) return storageAnswer(made === 'taken' ? 409 : 400)
    return refuse(createBucket, made === 'taken' ? 'bucket-exists' : 'invalid-bucket-name')
  }
)

export const delete_bucket = accountRule(
  deleteBucket,
  ['s3uid', 'bucket_name'],
  ({ bucket_name }, account, { world }) => {
    const bucket = bucketOf(world, account, bucket_name)
    if (!bucket) return refuse(deleteBucket, 'bucket-not-found')
    if (bucket.files.size > 0) return refuse(deleteBucket, 'bucket-not-empty')
    removeBucket(world, account, bucket)
    return { message: 'Bucket deleted successfully' }
  }
)

/** The buckets that this list shows: a new one may take a few lists to appear. */
const listedBuckets = (world: World, account: Account): Bucket[] =>
  bucketsOf(world, account).filter(bucket => {
    if (bucket.unseen === 0) return true
    bucket.unseen -= 1
    return false
  })

const printed = ({ bandwidth, storage, createdAt }: Snapshot) => ({
  bandwidth_usage: bandwidth,
  storage_usage: storage,
  created_at: createdAt
})

const keyPair = ({ accessKey, secretKey }: Account) => ({ access_key: accessKey, secret_key: secretKey })
