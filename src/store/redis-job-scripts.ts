import type { JobRecord } from './jobs.ts'

/** The keys of a job. Beside them: what leads to it. */
export const keysOf = (jobId: string) => {
  const job = `job:${jobId}`
  return {
    record: job,
    credential: `${job}:credential`,
    counts: `${job}:counts`,
    /** Number of an item, by its name. */
    numbers: `${job}:numbers`,
    /** Name of an item, by its number. */
    items: `${job}:items`,
    /** Numbers of the items without a verdict. */
    open: `${job}:open`,
    /** Numbers of those that may have been sent. */
    sent: `${job}:sent`,
    /** Verdict of an item, by its number. */
    done: `${job}:done`,
    /** Numbers by verdict. */
    verdicts: `${job}:verdicts`,
    events: `${job}:events`
  }
}
export const OPEN = 'jobs-open'
/** Ended or paused, and not in the audit log yet. */
export const UNRECORDED = 'jobs-unrecorded'
export const POSITION = 'jobs-position'
export const listOf = (tenant: string) => `jobs-of:${tenant}`
export const runningOf = (tenant: string) => `jobs-running:${tenant}`
export const targetOf = (target: string) => `job-target:${target}`
export const requestOf = ({ tenant, keyHash }: Pick<JobRecord, 'tenant' | 'keyHash'>) =>
  `job-request:${tenant}:${keyHash ?? ''}`

/** Lua: every key that a script uses is in KEYS, as the ACL of Redis needs it. */
export const ADD_ITEMS = `
local function add(numbers, items, open, counts, first)
  local found = tonumber(redis.call('HGET', counts, 'found') or '0')
  local before = found
  for i = first, #ARGV do
    if redis.call('HSETNX', numbers, ARGV[i], found + 1) == 1 then
      found = found + 1
      redis.call('HSET', items, found, ARGV[i])
      redis.call('ZADD', open, found, found)
    end
  end
  redis.call('HSET', counts, 'found', found)
  return found - before
end
`

export const CREATE = `${ADD_ITEMS}
local known = ARGV[4] == '1' and redis.call('GET', KEYS[1])
if known then return {'known', known} end
local running = redis.call('GET', KEYS[2])
if running then return {'running', running} end
if ARGV[4] == '1' then redis.call('SET', KEYS[1], ARGV[3]) end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[3], ARGV[1])
redis.call('SET', KEYS[4], ARGV[2])
redis.call('SADD', KEYS[5], ARGV[3])
redis.call('ZADD', KEYS[6], redis.call('INCR', KEYS[7]), ARGV[3])
add(KEYS[8], KEYS[9], KEYS[10], KEYS[11], 5)
return {'created', ''}`

export const READ = `
local record = redis.call('GET', KEYS[1])
if not record then return false end
return {record, redis.call('HGETALL', KEYS[2]), redis.call('LLEN', KEYS[3])}`

/** Replaces the record if nothing has changed it. A job that has ended loses what only its work needs. */
export const CHANGE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] == 'set' then redis.call('SET', KEYS[2], ARGV[5]) end
if ARGV[4] == 'remove' then redis.call('DEL', KEYS[2]) end
if ARGV[6] ~= '' then redis.call('RPUSH', KEYS[3], ARGV[6]) end
if ARGV[7] ~= 'running' then redis.call('SREM', KEYS[4], ARGV[3]) end
if ARGV[9] == '1' then redis.call('SADD', KEYS[15], ARGV[3]) end
if ARGV[8] == '0' then return 1 end
redis.call('DEL', KEYS[2], KEYS[7], KEYS[8], KEYS[9])
redis.call('SREM', KEYS[5], ARGV[3])
if redis.call('GET', KEYS[6]) == ARGV[3] then redis.call('DEL', KEYS[6]) end
for _, key in ipairs({KEYS[1], KEYS[3], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]}) do
  redis.call('PEXPIRE', key, ARGV[8])
end
return 1`

export const START = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'changed' end
if redis.call('SISMEMBER', KEYS[2], ARGV[3]) == 0 and redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 'later'
end
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
return 'started'`

export const TAKE = `
local taken = {}
for _, seq in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])) do
  table.insert(taken, {seq, redis.call('HGET', KEYS[2], seq), redis.call('SADD', KEYS[3], seq)})
end
return taken`

/** ARGV: number, verdict, what is kept of it, … */
export const ADD_VERDICTS = `
for i = 1, #ARGV, 3 do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('SREM', KEYS[2], ARGV[i])
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2])
    redis.call('ZADD', KEYS[4], 0, ARGV[i + 1] .. ':' .. string.format('%012d', ARGV[i]))
    redis.call('HINCRBY', KEYS[5], 'v:' .. ARGV[i + 1], 1)
  end
end
return 1`
