-- HOSTKEY's replies in the shapes of the gateway's API.
local cjson = require 'cjson'

local function instant(theirs)
  -- RFC 3339 in UTC already; other forms are not expected here.
  return theirs
end

local function call(action, params)
  local token = string.sub(ngx.var.http_authorization or '', 8)
  local body = 'action=' .. action .. '&token=' .. token .. params
  local reply = ngx.location.capture('/upstream', { method = ngx.HTTP_POST, body = body })
  local payload = reply.status == 200 and cjson.decode(reply.body)
  if not payload or payload.result ~= 'OK' then return ngx.exit(502) end
  return payload
end

local function buckets(payload)
  local items = {}
  for i, theirs in ipairs(payload.message) do
    items[i] = { name = theirs.name, createdAt = instant(theirs.creation_date) }
  end
  local snapshot = payload.snapshot
  return {
    items = items,
    bandwidth = payload.bandwidth,
    snapshot = {
      storageBytes = snapshot.storage_usage,
      bandwidth = snapshot.bandwidth_usage,
      createdAt = instant(snapshot.created_at)
    }
  }
end

local function files(payload, address)
  local items, folders = {}, {}
  for i, theirs in ipairs(payload.files) do
    items[i] = {
      path = theirs.original_key,
      name = theirs.key,
      sizeBytes = theirs.size,
      modifiedAt = instant(theirs.last_modified),
      links = { self = address .. '?path=' .. ngx.escape_uri(theirs.original_key) }
    }
  end
  for i, theirs in ipairs(payload.folders) do folders[i] = { path = theirs.key } end
  return { items = items, folders = folders, nextCursor = payload.next_token, complete = payload.next_token == cjson.null }
end

local function plans(payload)
  local items = {}
  for i, theirs in ipairs(payload.plans) do
    items[i] = {
      id = theirs.id,
      name = theirs.name,
      active = theirs.active ~= 0,
      quotaBytes = theirs.quota,
      locations = theirs.locations,
      storageType = theirs.storage_type,
      bandwidthLimit = theirs.bandwidth_limit,
      price = {
        monthlyEur = theirs.price.monthly_eur,
        monthlyUsd = theirs.price.monthly_usd,
        monthlyRub = theirs.price.monthly_rub
      }
    }
  end
  return { items = items }
end

local function send(value)
  local text = cjson.encode(value)
  ngx.header.content_length = #text
  ngx.print(text)
end

return function()
  local uri = ngx.var.uri
  if uri == '/plans' then return send(plans(call('list_plans', ''))) end
  local s3uid, bucket = string.match(uri, '^/accounts/([^/]+)/buckets/([^/]+)/files$')
  if not bucket then
    return send(buckets(call('get_buckets', '&s3uid=' .. string.match(uri, '^/accounts/([^/]+)/buckets$'))))
  end
  local target = '&s3uid=' .. s3uid .. '&bucket_name=' .. bucket
  if ngx.req.get_method() == 'DELETE' then
    call('delete_file', target .. '&filename=' .. ngx.escape_uri(ngx.unescape_uri(ngx.var.arg_path)))
    return ngx.exit(204)
  end
  send(files(call('get_files', target .. '&max_keys=100'), uri))
end
