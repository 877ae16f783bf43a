import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import fastify from 'fastify'
import { payloadOf, toBuckets, toFiles, tokenOf, toPlans } from './translate.js'

/** Fastify as its guide writes it: schemas for the request and the reply, its own log, headers, a limit, and fetch. */
const app = fastify({ logger: true })
await app.register(helmet)
await app.register(rateLimit, {
  max: 1_000_000,
  timeWindow: 1000,
  keyGenerator: request => request.headers.authorization
})

const call = async (request, action, params) => {
  const token = tokenOf(request.headers.authorization)
  const body = new URLSearchParams({ action, token, ...params })
  const reply = await fetch(`${process.env.UPSTREAM}/s3.php`, { method: 'POST', body })
  return payloadOf(await reply.json())
}

const text = { type: 'string' }
const number = { type: 'number' }
const object = properties => ({ type: 'object', properties })
const listOf = (properties, more = {}) => object({ items: { type: 'array', items: object(properties) }, ...more })

const headers = { ...object({ authorization: { ...text, pattern: '^Bearer ' } }), required: ['authorization'] }
const params = object({ s3uid: { ...text, maxLength: 64 }, bucket: { ...text, maxLength: 63 } })
const BucketList = listOf(
  { name: text, createdAt: text },
  { bandwidth: number, snapshot: object({ storageBytes: number, bandwidth: number, createdAt: text }) }
)
const FileList = listOf(
  { path: text, name: text, sizeBytes: number, modifiedAt: text, links: object({ self: text }) },
  {
    folders: { type: 'array', items: object({ path: text }) },
    nextCursor: { ...text, nullable: true },
    complete: { type: 'boolean' }
  }
)
const PlanList = listOf({
  id: number,
  name: text,
  active: { type: 'boolean' },
  quotaBytes: number,
  locations: { type: 'array', items: text },
  storageType: text,
  bandwidthLimit: number,
  price: object({ monthlyEur: number, monthlyUsd: number, monthlyRub: number })
})

const files = '/accounts/:s3uid/buckets/:bucket/files'
app.get('/accounts/:s3uid/buckets', { schema: { headers, params, response: { 200: BucketList } } }, async request =>
  toBuckets(await call(request, 'get_buckets', { s3uid: request.params.s3uid }))
)
app.get(files, { schema: { headers, params, response: { 200: FileList } } }, async request => {
  const { s3uid, bucket } = request.params
  const payload = await call(request, 'get_files', { s3uid, bucket_name: bucket, max_keys: 100 })
  return toFiles(payload, request.params)
})
const path = { querystring: { ...object({ path: text }), required: ['path'] } }
app.delete(files, { schema: { headers, params, ...path } }, async (request, reply) => {
  const { s3uid, bucket } = request.params
  await call(request, 'delete_file', { s3uid, bucket_name: bucket, filename: request.query.path })
  return reply.code(204).send()
})
app.get('/plans', { schema: { headers, response: { 200: PlanList } } }, async request =>
  toPlans(await call(request, 'list_plans', {}))
)
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
