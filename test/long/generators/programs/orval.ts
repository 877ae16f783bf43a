import { createOrder, getUsage, listAccounts, listBuckets, listFiles, listPlans } from '../out/orval/api'
import { authorization, report } from './calls'

const headers = { authorization }

await report({
  async accounts() {
    const reply = await listAccounts({}, { headers })
    if (reply.status !== 200) throw new Error(`${reply.status}`)
    return reply.data.items.map(({ s3uid }) => s3uid)
  },
  async buckets(s3uid) {
    const reply = await listBuckets(s3uid, {}, { headers })
    if (reply.status !== 200) throw new Error(`${reply.status}`)
    return reply.data.items.map(({ name }) => name)
  },
  async files(s3uid, bucket) {
    const reply = await listFiles(s3uid, bucket, { limit: 10 }, { headers })
    if (reply.status !== 200) throw new Error(`${reply.status}`)
    return reply.data.items.map(({ path }) => path)
  },
  async quotaBytes(s3uid) {
    const reply = await getUsage(s3uid, { headers })
    if (reply.status !== 200) throw new Error(`${reply.status}`)
    return reply.data.quotaBytes
  },
  async plans() {
    const reply = await listPlans({ headers })
    if (reply.status !== 200) throw new Error(`${reply.status}`)
    return reply.data.items.map(({ id }) => id)
  },
  async order(order, key) {
    const reply = await createOrder(order, { headers: { ...headers, 'idempotency-key': key } })
    if (reply.status !== 201) throw new Error(`${reply.status}`)
    return reply.data.s3uid
  }
})
