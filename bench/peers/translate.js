/** HOSTKEY's replies in the shapes of the gateway's API: what the translating peers have in common. */
const toInstant = theirs => theirs && new Date(theirs).toISOString().replace('.000Z', 'Z')

export const toBuckets = ({ message, bandwidth, snapshot }) => ({
  items: message.map(({ name, creation_date }) => ({ name, createdAt: toInstant(creation_date) })),
  bandwidth,
  snapshot: snapshot && {
    storageBytes: snapshot.storage_usage,
    bandwidth: snapshot.bandwidth_usage,
    createdAt: toInstant(snapshot.created_at)
  }
})

export const toFiles = ({ files, folders, next_token }, { s3uid, bucket }) => ({
  items: files.map(({ key, original_key, size, last_modified }) => ({
    path: original_key,
    name: key,
    sizeBytes: size,
    modifiedAt: toInstant(last_modified),
    links: { self: `/accounts/${s3uid}/buckets/${bucket}/files?path=${encodeURIComponent(original_key)}` }
  })),
  folders: folders.map(({ key }) => ({ path: key })),
  nextCursor: next_token ?? null,
  complete: next_token === null
})

export const toPlans = ({ plans }) => ({
  items: plans.map(({ id, name, active, quota, locations, storage_type, bandwidth_limit, price }) => ({
    id,
    name,
    active: active !== 0,
    quotaBytes: quota,
    locations,
    storageType: storage_type,
    bandwidthLimit: bandwidth_limit,
    price: { monthlyEur: price.monthly_eur, monthlyUsd: price.monthly_usd, monthlyRub: price.monthly_rub }
  }))
})

/** A reply's payload. @throws Error HOSTKEY refuses */
export const payloadOf = reply => {
  if (reply.result !== 'OK') throw new Error(reply.message ?? 'refused')
  return reply
}

export const tokenOf = authorization => authorization?.replace(/^Bearer /, '')
