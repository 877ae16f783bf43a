import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { payloadOf, toBuckets, toFiles, tokenOf, toPlans } from './translate.js'

/** Hono on Node with the built-in fetch. */
const call = async (context, action, params) => {
  const token = tokenOf(context.req.header('authorization'))
  const body = new URLSearchParams({ action, token, ...params })
  const reply = await fetch(`${process.env.UPSTREAM}/s3.php`, { method: 'POST', body })
  return payloadOf(await reply.json())
}

const app = new Hono()
app.get('/accounts/:s3uid/buckets', async c => {
  const { s3uid } = c.req.param()
  return c.json(toBuckets(await call(c, 'get_buckets', { s3uid })))
})
app.get('/accounts/:s3uid/buckets/:bucket/files', async c => {
  const { s3uid, bucket } = c.req.param()
  const payload = await call(c, 'get_files', { s3uid, bucket_name: bucket, max_keys: 100 })
  return c.json(toFiles(payload, { s3uid, bucket }))
})
app.delete('/accounts/:s3uid/buckets/:bucket/files', async c => {
  const { s3uid, bucket } = c.req.param()
  await call(c, 'delete_file', { s3uid, bucket_name: bucket, filename: c.req.query('path') })
  return c.body(null, 204)
})
app.get('/plans', async c => c.json(toPlans(await call(c, 'list_plans', {}))))
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
