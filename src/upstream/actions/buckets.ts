import { Type } from 'typebox'
import { Amount, action, inOrder, matches, matchesLast } from './action.ts'

const Snapshot = Type.Object({
  bandwidth_usage: Type.Optional(Amount),
  storage_usage: Type.Optional(Amount),
  created_at: Type.Optional(Type.String())
})

/** The refusal that a status of the storage means, although `result` is OK (assumed). */
const refusalOf = (status: number) => {
  if (status >= 200 && status < 300) return undefined
  if (status === 400) return 'invalid-bucket-name'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'account-not-found'
  if (status === 409) return 'bucket-exists'
  return 'upstream-storage-error'
}

/** s3/get_buckets: names of the buckets, and the traffic. One edition of the vendor page says it is "commented out". */
export const getBuckets = action({
  name: 'get_buckets',
  effect: 'read',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({
    message: Type.Array(Type.Object({ name: Type.String(), creation_date: Type.Optional(Type.String()) })),
    bandwidth: Type.Optional(Amount),
    snapshot: Type.Optional(Snapshot)
  }),
  example: {
    message: [{ name: 'bucket-1', creation_date: '2023-10-01T12:00:00Z' }],
    bandwidth: 102400,
    snapshot: { bandwidth_usage: 102400, storage_usage: 5000000000, created_at: '2023-10-27T10:00:00Z' }
  },
  failures: {
    'account-not-found': matches(/account not found|no such account/i, 'S3 account not found for this customer'),
    'upstream-storage-error': matchesLast(
      /^s3\/get_buckets: Load bucket error:/i,
      's3/get_buckets: Load bucket error: ...'
    )
  }
})

/** s3/get_buckets_rmq: usage of each bucket, through a queue. The answer holds the key pair in clear: never pass it on. */
export const getBucketsUsage = action({
  name: 'get_buckets_rmq',
  effect: 'async-read',
  params: Type.Object({ s3uid: Type.String() }),
  result: Type.Object({
    message: Type.Array(Type.Object({ name: Type.String(), usage: Type.Optional(Amount) })),
    bandwidth: Type.Optional(Amount),
    usage_storage: Type.Optional(Amount),
    quota: Type.Optional(Amount),
    snapshots: Type.Optional(Type.Array(Snapshot)),
    access_key: Type.Optional(Type.String({ 'x-secret': true })),
    secret_key: Type.Optional(Type.String({ 'x-secret': true }))
  }),
  example: {
    message: [{ name: 'bucket-1', usage: 1024000000 }],
    bandwidth: 102400,
    usage_storage: 1024000000,
    quota: 5368709120,
    snapshots: [{ bandwidth_usage: 102400, storage_usage: 1024000000, created_at: '2023-10-27T10:00:00Z' }],
    access_key: 'AKIAIOSFODNN7EXAMPLE',
    secret_key: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
  },
  failures: {
    'account-not-found': matches(/account not found|no such account/i, 'S3 account not found for this customer')
  }
})

/** s3/create_bucket: a new bucket in an existing account. HOSTKEY may add a prefix to the name (observed). */
export const createBucket = action({
  name: 'create_bucket',
  effect: 'write',
  params: Type.Object({ s3uid: Type.String(), bucket_name: Type.String() }),
  // The storage's HTTP response, which create_bucket passes on, or a text.
  result: Type.Object({ message: Type.Optional(Type.Unknown()) }),
  example: { message: { status: 200, body: '', headers: {} } },
  failures: {
    'bucket-exists': matches(
      inOrder(/^Create bucket error:/i, /already exists|AlreadyExists|AlreadyOwnedByYou/i),
      'Create bucket error: Bucket already exists'
    ),
    'invalid-bucket-name': matches(/InvalidBucketName|invalid bucket name/i, 'Create bucket error: InvalidBucketName'),
    'limit-reached': matches(
      inOrder(/^Create bucket error:/i, /TooManyBuckets|limit|quota|exceed/i),
      'Create bucket error: TooManyBuckets'
    ),
    'upstream-storage-error': matchesLast(/^Create bucket error:/i, 'Create bucket error: InternalError', 'unknown')
  },
  refusalsInSuccess: [
    'invalid-bucket-name',
    'forbidden',
    'account-not-found',
    'bucket-exists',
    'upstream-storage-error'
  ],
  findRefusal: ({ message }) =>
    typeof message === 'object' && message !== null && 'status' in message
      ? refusalOf(Number(message.status))
      : undefined
})

/** s3/delete_bucket: the bucket must be empty. */
export const deleteBucket = action({
  name: 'delete_bucket',
  effect: 'write',
  params: Type.Object({ s3uid: Type.String(), bucket_name: Type.String() }),
  result: Type.Object({ message: Type.Optional(Type.Unknown()) }),
  example: { message: 'Bucket deleted successfully' },
  failures: {
    'bucket-not-empty': matches(
      inOrder(/^Delete S3 bucket error:/i, /not empty|NotEmpty/i),
      'Delete S3 bucket error: Bucket not empty'
    ),
    'bucket-not-found': matches(
      inOrder(/^Delete S3 bucket error:/i, /not found|NoSuchBucket|does not exist/i),
      'Delete S3 bucket error: NoSuchBucket'
    ),
    'upstream-storage-error': matchesLast(
      /^Delete S3 bucket error:/i,
      'Delete S3 bucket error: InternalError',
      'unknown'
    )
  }
})
