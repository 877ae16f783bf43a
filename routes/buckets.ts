import { AccountPath } from '../schemas/accounts.ts'
import { BucketList, BucketPath, BucketsQuery, CreatedBucket, NewBucket } from '../schemas/buckets.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { ref } from '../schemas/model.ts'
import { NoContent } from '../schemas/status.ts'
import { answers, BODY_PROBLEMS, ignoringErrors, withHeaders, withVersion } from '../src/http/answers.ts'
import { accountInPath, operation } from '../src/http/operation.ts'
import { BUCKET, BUCKETS } from '../src/http/reach.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'

/** The buckets of one S3 account. */
export const bucketRoutes: Routes = async (app, { buckets, links }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets',
    config: operation({
      scope: 'buckets:read',
      rate: 'read',
      account: accountInPath,
      reach: BUCKETS,
      audit: undefined
    }),
    schema: {
      operationId: 'listBuckets',
      summary: 'List buckets',
      description: 'Lists the buckets of an account, with its traffic. `expand=usage` adds the size of each bucket.',
      tags: ['Buckets'],
      params: AccountPath,
      querystring: BucketsQuery,
      headers: VersionHeaders,
      response: answers(withVersion(BucketList), getBuckets, getBucketsUsage)
    },
    async handler(request) {
      const withUsage = request.query.expand === 'usage'
      return buckets.list(contextOf(request), request.params.s3uid, { withUsage })
    }
  })

  app.route({
    method: 'POST',
    url: '/accounts/:s3uid/buckets',
    config: operation({
      scope: 'buckets:write',
      rate: 'write',
      cost: 3,
      account: accountInPath,
      audit: 'bucket.create',
      target: ({ body: { name } }) => [name]
    }),
    schema: {
      operationId: 'createBucket',
      summary: 'Create a bucket',
      description: 'HOSTKEY may add a prefix to the name. The reply and `Location` contain the actual name.',
      tags: ['Buckets'],
      params: AccountPath,
      body: ref(NewBucket),
      response: answers(
        { 201: withHeaders(CreatedBucket, 'Location') },
        BODY_PROBLEMS,
        getBuckets,
        getBucketsUsage,
        createBucket
      )
    },
    async handler(request, reply) {
      const { s3uid } = request.params
      const bucket = await buckets.create(contextOf(request), s3uid, request.body.name)
      return reply.code(201).header('location', links.bucket(s3uid, bucket.name)).send(bucket)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket',
    config: operation({
      scope: 'buckets:write',
      rate: 'delete',
      account: accountInPath,
      reach: BUCKET,
      audit: 'bucket.delete',
      target: ({ params: { bucket } }) => [bucket]
    }),
    schema: {
      operationId: 'deleteBucket',
      summary: 'Delete an empty bucket',
      description: 'The bucket must be empty; otherwise the reply is 409 `bucket-not-empty`.',
      tags: ['Buckets'],
      params: BucketPath,
      response: answers(
        { 204: NoContent },
        BODY_PROBLEMS,
        deleteBucket,
        ignoringErrors(getBuckets),
        ignoringErrors(getBucketsUsage)
      )
    },
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      await buckets.delete(contextOf(request), s3uid, bucket)
      return reply.code(204).send(null)
    }
  })
}
