import { client } from '../out/hey-api/client.gen'
import { createOrder, getUsage, listAccounts, listBuckets, listFiles, listPlans } from '../out/hey-api/sdk.gen'
import { baseUrl, need, report, token } from './calls'

client.setConfig({ baseUrl, auth: ({ type }) => (type === 'http' ? token : undefined) })

await report({
  async accounts() {
    const { data, error } = await listAccounts()
    return need(data, error).items.map(({ s3uid }) => s3uid)
  },
  async buckets(s3uid) {
    const { data, error } = await listBuckets({ path: { s3uid } })
    return need(data, error).items.map(({ name }) => name)
  },
  async files(s3uid, bucket) {
    const { data, error } = await listFiles({ path: { s3uid, bucket }, query: { limit: 10 } })
    return need(data, error).items.map(({ path }) => path)
  },
  async quotaBytes(s3uid) {
    const { data, error } = await getUsage({ path: { s3uid } })
    return need(data, error).quotaBytes
  },
  async plans() {
    const { data, error } = await listPlans()
    return need(data, error).items.map(({ id }) => id)
  },
  async order(body, key) {
    const { data, error } = await createOrder({ body, headers: { 'idempotency-key': key } })
    return need(data, error).s3uid
  }
})
