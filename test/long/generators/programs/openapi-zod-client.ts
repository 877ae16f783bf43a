import { createApiClient } from '../out/openapi-zod-client/api'
import { authorization, baseUrl, report } from './calls'

// The replies are validated too.
const api = createApiClient(baseUrl, { axiosConfig: { headers: { authorization } }, validate: true })

await report({
  accounts: async () => (await api.listAccounts()).items.map(({ s3uid }) => s3uid),
  buckets: async s3uid => (await api.listBuckets({ params: { s3uid } })).items.map(({ name }) => name),
  files: async (s3uid, bucket) =>
    (await api.listFiles({ params: { s3uid, bucket }, queries: { limit: 10 } })).items.map(({ path }) => path),
  quotaBytes: async s3uid => (await api.getUsage({ params: { s3uid } })).quotaBytes,
  plans: async () => (await api.listPlans()).items.map(({ id }) => id),
  order: async (order, key) => (await api.createOrder(order, { headers: { 'idempotency-key': key } })).s3uid
})
