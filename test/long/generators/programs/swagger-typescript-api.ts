import { Api } from '../out/swagger-typescript-api/api'
import { authorization, baseUrl, report } from './calls'

const api = new Api({ baseUrl, baseApiParams: { headers: { authorization }, format: 'json' } })

await report({
  accounts: async () => (await api.accounts.listAccounts()).data.items.map(({ s3uid }) => s3uid),
  buckets: async s3uid => (await api.accounts.listBuckets(s3uid)).data.items.map(({ name }) => name),
  files: async (s3uid, bucket) =>
    (await api.accounts.listFiles(s3uid, bucket, { limit: 10 })).data.items.map(({ path }) => path),
  quotaBytes: async s3uid => (await api.accounts.getUsage(s3uid)).data.quotaBytes,
  plans: async () => (await api.plans.listPlans()).data.items.map(({ id }) => id),
  order: async (order, key) => (await api.orders.createOrder(order, { headers: { 'idempotency-key': key } })).data.s3uid
})
