import { AccountPath } from '../../../../schemas/accounts.ts'
import { Bucket, NewBucket } from '../../../../schemas/buckets.ts'
import { model, ref } from '../../../../schemas/model.ts'
import { Instant } from '../../../../schemas/scalars.ts'
import { Problem } from '../../../../src/core/problem.ts'
import { answers, sends } from '../../../../src/http/answers.ts'
import { needs, type Routes } from '../../../../src/http/route.ts'
import { getBuckets } from '../../../../src/upstream/actions/buckets.ts'

const schema = {
  params: AccountPath,
  body: ref(NewBucket),
  response: answers({ 201: sends(Bucket, 'Location') }, getBuckets, 'plan-not-found')
}

export const routes: Routes = async app => {
  app.route({
    method: 'POST',
    url: '/right/:s3uid',
    config: needs('buckets:write', 'write'),
    schema,
    handler: async (request, reply) => reply.code(201).send({ name: request.body.name })
  })

  app.route({
    method: 'POST',
    url: '/wrong/:s3uid',
    config: needs('buckets:write', 'write'),
    schema,
    async handler(request, reply) {
      const { s3uid, bucket } = request.params // TS2339
      if (s3uid === bucket) return reply.code(204).send({ name: '' }) // TS2345
      if (s3uid === '1') return reply.code(409).send({ name: 'taken' }) // TS2345
      if (s3uid === '2') return reply.code(201).send({ bucketName: request.body.name }) // TS2353
      if (s3uid === '3') return reply.code(201).send({ name: 1 }) // TS2322
      if (s3uid === '4') throw new Problem('bucket-taken', 'No.') // TS2345
      if (s3uid === '5') throw new Problem('bucket-exists', 'No.', { outcome: 'maybe' }) // TS2322
      return reply.code(201).send({ name: request.body.bucket }) // TS2339
    }
  })
}

export const asked = [
  needs('buckets:delete', 'write'), // TS2345
  needs('buckets:write', 'fast'), // TS2345
  answers({ 201: Bucket }, 'bucket-taken'), // TS2345
  sends(Bucket, 'X-Location'), // TS2345
  new Problem('bucket-exists', 'No.', { retry: 1 }), // TS2353
  model('Day', 'A day.', { at: Instant }, { examples: [{ at: 2023 }] }) // TS2322
]
