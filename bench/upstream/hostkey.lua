-- Canned replies of s3.php and auth.php, to forms that hold what the action needs.
local cjson = require 'cjson'

local delay = 0

local buckets = {}
for i = 1, 5 do
  buckets[i] = { name = 'bucket-' .. i, creation_date = '2026-10-0' .. i .. 'T12:00:00Z' }
end

-- A page of 100 entries, 13 kB.
local files, folders = {}, { { key = 'archive/' }, { key = 'reports/' } }
for i = 1, 98 do
  local key = string.format('report-2026-monthly-%03d.csv', i)
  files[i] = { key = key, original_key = key, size = 1024 * i, last_modified = '2026-10-27T10:00:00Z' }
end

local plans = {}
for i = 1, 4 do
  plans[i] = {
    id = i,
    name = 'Plan ' .. i,
    quota = 5368709120 * i,
    active = 1,
    locations = { 'NL', 'DE' },
    storage_type = 'standard',
    bandwidth_limit = 0,
    price = { monthly_rub = 100 * i, monthly_eur = i, monthly_usd = i + 1 }
  }
end

local function reply(action, payload)
  payload.result = 'OK'
  payload.action = action
  return cjson.encode(payload)
end

-- Each action's reply, and what its form must hold.
local actions = {
  get_buckets = {
    text = reply('get_buckets', {
      message = buckets,
      bandwidth = 102400,
      snapshot = { bandwidth_usage = 102400, storage_usage = 5000000000, created_at = '2026-10-27T10:00:00Z' }
    }),
    needs = { 's3uid=account_' }
  },
  get_files = {
    text = reply('get_files', { files = files, folders = folders, next_token = cjson.null }),
    needs = { 's3uid=account_', 'bucket_name=photos', 'max_keys=100' }
  },
  delete_file = {
    text = reply('delete_file', { message = 'File deleted successfully' }),
    needs = { 's3uid=account_', 'bucket_name=photos', 'filename=reports%2F' }
  },
  list_plans = { text = reply('list_plans', { plans = plans }), needs = {} }
}

local function send(text)
  if delay > 0 then ngx.sleep(delay) end
  ngx.header.content_length = #text
  ngx.print(text)
end

local function form()
  ngx.req.read_body()
  return ngx.req.get_body_data() or ''
end

local function s3()
  local body = form()
  local action = actions[string.match(body, 'action=([%w_]+)')]
  local isRight = action ~= nil and string.match(body, 'token=%x+') ~= nil
  for _, field in ipairs(action and action.needs or {}) do
    isRight = isRight and string.find(body, field, 1, true) ~= nil
  end
  send(isRight and action.text or '{"code":-1,"message":"the form is not right"}')
end

-- One customer for each token; a login by API key gives one token.
local function auth()
  local token = string.match(form(), 'token=(%x+)') or string.rep('ab', 16)
  send(cjson.encode({
    result = {
      token = token,
      role = 'Customer',
      customer_id = tonumber(string.sub(token, -6), 16),
      email = 'bench@example.com',
      token_expire = os.time() + 28800
    }
  }))
end

local function setDelay()
  delay = tonumber(ngx.var.arg_ms) / 1000
  send('{}')
end

return { s3 = s3, auth = auth, setDelay = setDelay }
