-- The requests of a workload for wrk. argv[1]: a file of requests between NULs, sent in turn; argv[2]: how far `{n}` counts.
local texts, distinct, n = {}, 1, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for text in string.gmatch(file:read('*a'), '[^%z]+') do
    local before, after = string.match(text, '^(.-){n}(.*)$')
    texts[#texts + 1] = before and { before, after } or { text }
  end
  file:close()
  distinct = tonumber(args[2])
end

function request()
  n = n + 1
  local text = texts[n % #texts + 1]
  if not text[2] then return text[1] end
  return text[1] .. n % distinct .. text[2]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'bench {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
