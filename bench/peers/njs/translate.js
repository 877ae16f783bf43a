// HOSTKEY's replies in the shapes of the gateway's API. njs of Debian 12: no destructuring, no optional chaining.

/** With a callback: this njs crashes in an async handler that makes a subrequest. */
const call = (r, action, params, answer) => {
  const token = (r.headersIn.Authorization || '').slice(7)
  const body = `action=${action}&token=${token}${params}`
  r.subrequest('/upstream', { method: 'POST', body: body }, reply => {
    const payload = reply.status === 200 ? JSON.parse(reply.responseText) : {}
    if (payload.result === 'OK') answer(payload)
    else r.return(502)
  })
}

const buckets = payload => ({
  items: payload.message.map(theirs => ({ name: theirs.name, createdAt: theirs.creation_date })),
  bandwidth: payload.bandwidth,
  snapshot: {
    storageBytes: payload.snapshot.storage_usage,
    bandwidth: payload.snapshot.bandwidth_usage,
    createdAt: payload.snapshot.created_at
  }
})

const files = (payload, address) => ({
  items: payload.files.map(theirs => ({
    path: theirs.original_key,
    name: theirs.key,
    sizeBytes: theirs.size,
    modifiedAt: theirs.last_modified,
    links: { self: `${address}?path=${encodeURIComponent(theirs.original_key)}` }
  })),
  folders: payload.folders.map(theirs => ({ path: theirs.key })),
  nextCursor: payload.next_token,
  complete: payload.next_token === null
})

const plans = payload => ({
  items: payload.plans.map(theirs => ({
    id: theirs.id,
    name: theirs.name,
    active: theirs.active !== 0,
    quotaBytes: theirs.quota,
    locations: theirs.locations,
    storageType: theirs.storage_type,
    bandwidthLimit: theirs.bandwidth_limit,
    price: {
      monthlyEur: theirs.price.monthly_eur,
      monthlyUsd: theirs.price.monthly_usd,
      monthlyRub: theirs.price.monthly_rub
    }
  }))
})

const send = (r, value) => {
  r.headersOut['Content-Type'] = 'application/json'
  r.return(200, JSON.stringify(value))
}

const answer = r => {
  const path = r.uri.split('/')
  if (r.uri === '/plans') return call(r, 'list_plans', '', payload => send(r, plans(payload)))
  if (path.length === 4) return call(r, 'get_buckets', `&s3uid=${path[2]}`, payload => send(r, buckets(payload)))
  const target = `&s3uid=${path[2]}&bucket_name=${path[4]}`
  if (r.method === 'DELETE') {
    return call(r, 'delete_file', `${target}&filename=${encodeURIComponent(r.args.path)}`, () => r.return(204))
  }
  return call(r, 'get_files', `${target}&max_keys=100`, payload => send(r, files(payload, r.uri)))
}

// biome-ignore lint/style/noDefaultExport: njs imports nothing else
export default { answer }
