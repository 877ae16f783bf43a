import createClient from 'openapi-fetch'
import type { paths } from '../out/openapi-typescript/api'
import { authorization, baseUrl, need, report } from './calls'

const client = createClient<paths>({ baseUrl, headers: { authorization } })

await report({
  async accounts() {
    const { data, error } = await client.GET('/accounts')
    return need(data, error).items.map(({ s3uid }) => s3uid)
  },
  async buckets(s3uid) {
    const { data, error } = await client.GET('/accounts/{s3uid}/buckets', { params: { path: { s3uid } } })
    return need(data, error).items.map(({ name }) => name)
  },
  async files(s3uid, bucket) {
    const params = { path: { s3uid, bucket }, query: { limit: 10 } }
    const { data, error } = await client.GET('/accounts/{s3uid}/buckets/{bucket}/files', { params })
    return need(data, error).items.map(({ path }) => path)
  },
  async quotaBytes(s3uid) {
    const { data, error } = await client.GET('/accounts/{s3uid}/usage', { params: { path: { s3uid } } })
    return need(data, error).quotaBytes
  },
  async plans() {
    const { data, error } = await client.GET('/plans')
    return need(data, error).items.map(({ id }) => id)
  },
  async order(body, key) {
    const { data, error } = await client.POST('/orders', { params: { header: { 'idempotency-key': key } }, body })
    return need(data, error).s3uid
  }
})
