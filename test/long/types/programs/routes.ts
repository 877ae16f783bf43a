import { AccountPath } from '../../../../schemas/accounts.ts'
import { Bucket, NewBucket } from '../../../../schemas/buckets.ts'
import { model, ref } from '../../../../schemas/model.ts'
import { Instant } from '../../../../schemas/scalars.ts'
import { Problem } from '../../../../src/core/problem.ts'
import { answers, withHeaders } from '../../../../src/http/answers.ts'
import { accountInPath, openOperation, operation } from '../../../../src/http/operation.ts'
import type { Routes } from '../../../../src/http/route.ts'
import { getBuckets } from '../../../../src/upstream/actions/buckets.ts'

const schema = {
  params: AccountPath,
  body: ref(NewBucket),
  response: answers({ 201: withHeaders(Bucket, 'Location') }, getBuckets, 'plan-not-found')
}

const handler = async () => ({ name: '' })

const declared = { scope: 'buckets:write', rate: 'write', account: accountInPath, audit: undefined } as const

export const routes: Routes = async app => {
  app.route({
    method: 'POST',
    url: '/right/:s3uid',
    config: operation(declared),
    schema,
    handler: async (request, reply) => reply.code(201).send({ name: request.body.name })
  })

  app.route({
    method: 'POST',
    url: '/wrong/:s3uid',
    config: operation(declared),
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

  app.route({ method: 'GET', url: '/undeclared', schema, handler }) // TS2345
  app.route({ method: 'GET', url: '/part', config: { priority: 'read' }, schema, handler }) // TS2322
  app.get('/past-the-router', handler) // TS2339

  const open = openOperation({ priority: 'essential', allowsHttp10: false, isAnsweredWhileDraining: false })
  const ofNoAccount = operation({ ...declared, account: undefined })
  app.route({ method: 'GET', url: '/plans', config: ofNoAccount, schema, handler })
  app.route({ method: 'GET', url: '/accounts/:s3uid', config: ofNoAccount, schema, handler }) // TS2322
  app.route({ method: 'GET', url: '/accounts/:s3uid/open', config: open, schema, handler }) // TS2322
}

export const declarations = [
  operation({ ...declared, scope: 'buckets:delete' }), // TS2322
  operation({ ...declared, rate: 'fast' }), // TS2322
  operation({ ...declared, audit: 'bucket.rename' }), // TS2820
  operation({ ...declared, adminParameters: ['email'] }), // TS2353
  operation({ scope: 'buckets:read', rate: 'read', account: undefined }), // TS2345
  operation({ scope: 'buckets:read', rate: 'read', audit: undefined }), // TS2345
  operation({ scope: 'buckets:read', account: undefined, audit: undefined }), // TS2345
  operation({ rate: 'read', account: undefined, audit: undefined }), // TS2345
  openOperation({ priority: 'essential', allowsHttp10: true }), // TS2345
  openOperation({ priority: 'high', allowsHttp10: true, isAnsweredWhileDraining: true }), // TS2322
  answers({ 201: Bucket }, 'bucket-taken'), // TS2345
  withHeaders(Bucket, 'X-Location'), // TS2345
  new Problem('bucket-exists', 'No.', { retry: 1 }), // TS2353
  model('Day', 'A day.', { at: Instant }, { examples: [{ at: 2023 }] }) // TS2322
]
