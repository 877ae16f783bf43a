import { Agent } from 'node:http'
import axios from 'axios'
import express from 'express'
import { payloadOf, toBuckets, toFiles, tokenOf, toPlans } from './translate.js'

/** Express with axios, as most tutorials write it; connections to the upstream are kept. */
const upstream = axios.create({
  baseURL: process.env.UPSTREAM,
  httpAgent: new Agent({ keepAlive: true, maxSockets: 64 })
})

const call = async (request, action, params) => {
  const token = tokenOf(request.headers.authorization)
  const { data } = await upstream.post('/s3.php', new URLSearchParams({ action, token, ...params }))
  return payloadOf(data)
}

const app = express()
app.get('/accounts/:s3uid/buckets', async (request, response) => {
  response.json(toBuckets(await call(request, 'get_buckets', { s3uid: request.params.s3uid })))
})
app.get('/accounts/:s3uid/buckets/:bucket/files', async (request, response) => {
  const { s3uid, bucket } = request.params
  const payload = await call(request, 'get_files', { s3uid, bucket_name: bucket, max_keys: 100 })
  response.json(toFiles(payload, request.params))
})
app.delete('/accounts/:s3uid/buckets/:bucket/files', async (request, response) => {
  const { s3uid, bucket } = request.params
  await call(request, 'delete_file', { s3uid, bucket_name: bucket, filename: request.query.path })
  response.status(204).end()
})
app.get('/plans', async (request, response) => {
  response.json(toPlans(await call(request, 'list_plans', {})))
})
app.listen(Number(process.env.PORT), '127.0.0.1')
