import type { Redis } from 'ioredis'
import type { Limit, OwnedLimits } from './store.ts'

/** Of every key of the gateway. */
export const PREFIX = 'hks3:'

/**
 * Counts in turn until a limit is exceeded or a record is missing, or another that it needs; the record is the step that
 * adds nothing. Three arguments belong to each key: what is added, milliseconds, and the maximum.
 */
const ADMIT = `
local counts, record, owner = {}, false, ''
for step, key in ipairs(KEYS) do
  local by, ms, max = ARGV[3 * step - 2], ARGV[3 * step - 1], ARGV[3 * step]
  if by == '' then
    if ms == '' then record = redis.call('GET', key) else record = redis.call('GETEX', key, 'PX', ms) end
    if not record then break end
    for needed in string.gmatch(string.match(record, '^[^ ]* ([^ ]*) ') or '', '[^,]+') do
      if redis.call('EXISTS', '${PREFIX}' .. needed) == 0 then record = false break end
    end
    if not record then break end
    owner = string.match(record, '^([^ ]*) ') or ''
  else
    local count = redis.call('INCRBY', key .. owner, by)
    local ttl = redis.call('PTTL', key .. owner)
    if ttl < 0 then redis.call('PEXPIRE', key .. owner, ms) ttl = tonumber(ms) end
    counts[#counts + 1] = {count, ttl}
    if count > tonumber(max) then break end
  end
end
return {counts, record}`

/** A list in order of arrival; the oldest beyond the maximum are removed. */
export const ADD_MEMBER = `
redis.call('LREM', KEYS[1], 0, ARGV[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local evicted = {}
while redis.call('LLEN', KEYS[1]) > tonumber(ARGV[2]) do table.insert(evicted, redis.call('LPOP', KEYS[1])) end
return evicted`

export const REMOVE_ALL_MEMBERS = `
local members = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return members`

const NOW = `local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** A sorted set: the score of a member is the time until which it counts. Those whose time is over are removed. */
export const MARK = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end`

export const COUNT_MARKED = `${NOW} return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')`

export const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

export const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

/** Count and remaining time of each limit, and the record. */
export type AdmitReply = [counts: [number, number][], record: string | null]

/** Runs the scripts in this file. */
export const createScripts = (redis: Redis) => {
  const script = <T>(lua: string, key: string, ...args: (string | number)[]) =>
    // Each script in this file has a fixed type of reply.
    redis.eval(lua, 1, key, ...args) as Promise<T>

  // Unlike `eval` it sends the text of the script only once on each connection.
  redis.defineCommand('admit', { lua: ADMIT })
  const { admit: evaluate } = redis as unknown as { admit(...args: (string | number)[]): Promise<AdmitReply> }
  const sendAdmit = (limits: readonly Limit[], owned?: OwnedLimits): Promise<AdmitReply> => {
    const steps = admitStepsOf(limits, owned)
    const keys = steps.map(({ key }) => key)
    const args = steps.flatMap(({ by, ms, max }) => [by, ms === undefined ? '' : Math.ceil(ms), max])
    return evaluate.call(redis, keys.length, ...keys, ...args)
  }
  return { script, sendAdmit }
}

/** The steps of ADMIT. */
const admitStepsOf = (limits: readonly Limit[], owned: OwnedLimits | undefined) => {
  const counter = ({ key, by, windowMs, max }: Limit) => ({ key, by, ms: windowMs, max })
  const first = limits.map(counter)
  if (!owned) return first
  return [...first, { key: owned.key, by: '', ms: owned.ttlMs, max: '' }, ...owned.limits.map(counter)]
}
