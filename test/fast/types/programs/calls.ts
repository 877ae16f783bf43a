import type { Errand } from '../../../../src/core/caller.ts'
import { getUsers } from '../../../../src/upstream/actions/accounts.ts'
import { createBucket, getBuckets } from '../../../../src/upstream/actions/buckets.ts'
import { showKey } from '../../../../src/upstream/actions/keys.ts'
import type { Upstream } from '../../../../src/upstream/client.ts'

export const calls = async (upstream: Upstream, errand: Errand) => {
  await upstream.call(createBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }, errand)

  await upstream.call(createBucket, { s3uid: 's3_user_1', bucketName: 'photos' }, errand) // TS2561
  await upstream.call(createBucket, { s3uid: 's3_user_1' }, errand) // TS2741
  await upstream.call(createBucket, { s3uid: 1, bucket_name: 'photos' }, errand) // TS2322
  await upstream.call(createBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }) // TS2554
  await upstream.call('create_bucket', { s3uid: 's3_user_1', bucket_name: 'photos' }, errand) // TS2345
  await upstream.call(showKey, { s3uid: 's3_user_1', s3_key: 'secret-key' }, errand) // TS2820
  // Leaving a member out and sending undefined are different things.
  await upstream.call(getUsers, { limit: undefined }, errand) // TS2379
  await upstream.call(getUsers, {}, errand)

  const { message, access_key } = await upstream.call(getBuckets, { s3uid: 's3_user_1' }, errand) // TS2339
  const name: string = message[0].name // TS2532
  return [name, access_key]
}
