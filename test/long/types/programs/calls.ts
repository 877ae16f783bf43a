import type { RequestContext } from '../../../../src/core/context.ts'
import { getUsers } from '../../../../src/upstream/actions/accounts.ts'
import { createBucket, getBuckets } from '../../../../src/upstream/actions/buckets.ts'
import { showKey } from '../../../../src/upstream/actions/keys.ts'
import type { Upstream } from '../../../../src/upstream/client.ts'

export const calls = async (upstream: Upstream, context: RequestContext) => {
  await upstream.call(createBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }, context)

  await upstream.call(createBucket, { s3uid: 's3_user_1', bucketName: 'photos' }, context) // TS2561
  await upstream.call(createBucket, { s3uid: 's3_user_1' }, context) // TS2741
  await upstream.call(createBucket, { s3uid: 1, bucket_name: 'photos' }, context) // TS2322
  await upstream.call(createBucket, { s3uid: 's3_user_1', bucket_name: 'photos' }) // TS2554
  await upstream.call('create_bucket', { s3uid: 's3_user_1', bucket_name: 'photos' }, context) // TS2345
  await upstream.call(showKey, { s3uid: 's3_user_1', s3_key: 'secret-key' }, context) // TS2820
  // Leaving a member out and sending undefined are different things.
  await upstream.call(getUsers, { limit: undefined }, context) // TS2379
  await upstream.call(getUsers, {}, context)

  const { message, access_key } = await upstream.call(getBuckets, { s3uid: 's3_user_1' }, context) // TS2339
  const name: string = message[0].name // TS2532
  return [name, access_key]
}
