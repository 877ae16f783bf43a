import { setConfig } from '@kubb/plugin-client/clients/fetch'
import { createOrder, getUsage, listAccounts, listBuckets, listFiles, listPlans } from '../out/kubb'
import { authorization, baseUrl, report } from './calls'

setConfig({ baseURL: baseUrl, headers: { authorization, 'content-type': 'application/json' } })

await report({
  accounts: async () => (await listAccounts()).items.map(({ s3uid }) => s3uid),
  buckets: async s3uid => (await listBuckets(s3uid)).items.map(({ name }) => name),
  files: async (s3uid, bucket) => (await listFiles(s3uid, bucket, { limit: 10 })).items.map(({ path }) => path),
  quotaBytes: async s3uid => (await getUsage(s3uid)).quotaBytes,
  plans: async () => (await listPlans()).items.map(({ id }) => id),
  order: async (order, key) => (await createOrder(order, { 'idempotency-key': key })).s3uid
})
