import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../../upstream/actions/buckets.ts'
import { refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'
import type { Account, Bucket, State, UsageSnapshot } from '../state.ts'
import { bucketOf, bucketsOf, openBucket, removeBucket, sizeOf } from '../storage.ts'

export const get_buckets = accountRule(getBuckets, ['s3uid'], (_params, account, { state }) => {
  const { getBuckets: mode } = state.behaviours
  const last = account.snapshots.at(-1)
  return {
    message: visibleBuckets(state, account).map(({ name, createdAt }) => ({ name, creation_date: createdAt })),
    bandwidth: account.bandwidth,
    ...(last && { snapshot: toSnapshot(last) }),
    ...(mode === 'withKeys' && keyPair(account))
  }
})

export const get_buckets_rmq = accountRule(getBucketsUsage, ['s3uid'], (_params, account, { state }) => ({
  message: visibleBuckets(state, account).map(({ name, sizeBytes }) => ({ name, usage: sizeBytes })),
  bandwidth: account.bandwidth,
  usage_storage: sizeOf(state, account),
  quota: account.quota,
  snapshots: account.snapshots.map(toSnapshot),
  ...keyPair(account)
}))

export const create_bucket = accountRule(
  createBucket,
  ['s3uid', 'bucket_name'],
  ({ bucket_name }, account, { state }) => {
    const { createBucketHeaders, hiddenFailure } = state.behaviours
    const storageReply = (status: number) => ({
      message: { status, body: '', headers: createBucketHeaders === 'list' ? [] : {} }
    })
    if (typeof hiddenFailure === 'number') return storageReply(hiddenFailure)
    const created = openBucket(state, account, bucket_name)
    if (typeof created === 'object') return storageReply(200)
    if (hiddenFailure) return storageReply(created === 'name-taken' ? 409 : 400)
    return refuse(createBucket, created === 'name-taken' ? 'bucket-exists' : 'invalid-bucket-name')
  }
)

export const delete_bucket = accountRule(
  deleteBucket,
  ['s3uid', 'bucket_name'],
  ({ bucket_name }, account, { state }) => {
    const bucket = bucketOf(state, account, bucket_name)
    if (!bucket) return refuse(deleteBucket, 'bucket-not-found')
    if (bucket.files.size > 0) return refuse(deleteBucket, 'bucket-not-empty')
    removeBucket(state, account, bucket)
    return { message: 'Bucket deleted successfully' }
  }
)

/** The buckets of this list; it may omit new ones. */
const visibleBuckets = (state: State, account: Account): Bucket[] =>
  bucketsOf(state, account).filter(bucket => {
    if (bucket.listsUntilVisible === 0) return true
    bucket.listsUntilVisible -= 1
    return false
  })

const toSnapshot = ({ bandwidth, storage, createdAt }: UsageSnapshot) => ({
  bandwidth_usage: bandwidth,
  storage_usage: storage,
  created_at: createdAt
})

const keyPair = ({ accessKey, secretKey }: Account) => ({ access_key: accessKey, secret_key: secretKey })
