import { AccountPath } from '../schemas/accounts.ts'
import { type Bucket, BucketList, BucketPath, BucketsQuery, CreatedBucket, NewBucket } from '../schemas/buckets.ts'
import { VersionHeaders } from '../schemas/headers.ts'
import { ref } from '../schemas/model.ts'
import { NoContent } from '../schemas/status.ts'
import { bucketUnconfirmed } from '../schemas/warnings.ts'
import { verifying } from '../src/core/context.ts'
import { toInstant } from '../src/core/timestamps.ts'
import { defined } from '../src/core/without-undefined.ts'
import { createdBucket, findMadeBucket, type ListedBucket, listedBuckets } from '../src/domain/storage/buckets.ts'
import { deleted } from '../src/domain/storage/verified-deletion.ts'
import { answers, BODY, ignoringErrors, sends, versioned } from '../src/http/answers.ts'
import { contextOf, needs, type Routes } from '../src/http/route.ts'
import { createBucket, deleteBucket, getBuckets, getBucketsUsage } from '../src/upstream/actions/buckets.ts'
import { toSnapshot } from './usage.ts'

/** The buckets of one S3 account. */
export const buckets: Routes = async (app, { upstream, recentWrites, mount, verifyDelaysMs }) => {
  app.route({
    method: 'GET',
    url: '/accounts/:s3uid/buckets',
    config: needs('buckets:read', 'read'),
    schema: {
      operationId: 'listBuckets',
      summary: 'List buckets',
      description: 'Lists the buckets of an account, with its traffic. `expand=usage` adds the size of each bucket.',
      tags: ['Buckets'],
      params: AccountPath,
      querystring: BucketsQuery,
      headers: VersionHeaders,
      response: answers(versioned(BucketList), getBuckets, getBucketsUsage)
    },
    async handler(request) {
      const { s3uid } = request.params
      const context = contextOf(request)
      const { answer, usage: known } = await listedBuckets(upstream, s3uid, context)
      if (known) request.log.warn({ action: getBuckets.name }, 'HOSTKEY has no such action; get_buckets_rmq answered')
      const isExpanded = request.query.expand === 'usage'
      const usage = isExpanded ? (known ?? (await upstream.call(getBucketsUsage, { s3uid }, context)).message) : []
      const sizes = new Map(usage.map(({ name, usage }) => [name, usage]))
      return defined({
        items: answer.message.map(bucket => toBucket(bucket, sizes.get(bucket.name))),
        bandwidth: answer.bandwidth,
        snapshot: answer.snapshot && toSnapshot(answer.snapshot)
      })
    }
  })

  app.route({
    method: 'POST',
    url: '/accounts/:s3uid/buckets',
    config: needs('buckets:write', 'write', { cost: 3, audit: 'bucket.create' }),
    schema: {
      operationId: 'createBucket',
      summary: 'Create a bucket',
      description: 'HOSTKEY may add a prefix to the name. The reply and `Location` contain the actual name.',
      tags: ['Buckets'],
      params: AccountPath,
      body: ref(NewBucket),
      response: answers({ 201: sends(CreatedBucket, 'Location') }, BODY, getBuckets, getBucketsUsage, createBucket)
    },
    async handler(request, reply) {
      const { s3uid } = request.params
      const { name: wished } = request.body
      const context = contextOf(request)
      const search = { s3uid, wished, verifyDelaysMs }
      const found = await recentWrites.creating(context.caller, [s3uid, wished], {
        create: () => createdBucket(upstream, search, context),
        find: () => findMadeBucket(upstream, { ...search, before: new Set() }, verifying(context))
      })
      const bucket = toCreatedBucket(found, wished)
      await recentWrites.clear(context.caller, [s3uid, bucket.name])
      return reply
        .code(201)
        .header('location', `${mount}/accounts/${s3uid}/buckets/${encodeURIComponent(bucket.name)}`)
        .send(bucket)
    }
  })

  app.route({
    method: 'DELETE',
    url: '/accounts/:s3uid/buckets/:bucket',
    config: needs('buckets:write', 'delete', { audit: 'bucket.delete' }),
    schema: {
      operationId: 'deleteBucket',
      summary: 'Delete an empty bucket',
      description: 'The bucket must be empty; otherwise the reply is 409 `bucket-not-empty`.',
      tags: ['Buckets'],
      params: BucketPath,
      response: answers(
        { 204: NoContent },
        BODY,
        deleteBucket,
        ignoringErrors(getBuckets),
        ignoringErrors(getBucketsUsage)
      )
    },
    async handler(request, reply) {
      const { s3uid, bucket } = request.params
      const context = contextOf(request)
      const send = () => upstream.call(deleteBucket, { s3uid, bucket_name: bucket }, context)
      await recentWrites.removing(context.caller, [s3uid, bucket], () =>
        deleted({ upstream, target: { s3uid, bucket }, send, verifyDelaysMs }, context)
      )
      return reply.code(204).send(null)
    }
  })
}

const toBucket = (theirs: ListedBucket, storageBytes?: number): Bucket =>
  defined({ name: theirs.name, createdAt: toInstant(theirs.creation_date), storageBytes })

/** The bucket under its actual name; under the wished one, with a warning, while HOSTKEY does not list it. */
const toCreatedBucket = (found: ListedBucket | undefined, wished: string): CreatedBucket => {
  if (found) return { ...toBucket(found), warnings: [] }
  return { name: wished, warnings: [bucketUnconfirmed] }
}
