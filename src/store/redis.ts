import { Redis } from 'ioredis'
import { type Store, StoreDown } from './store.ts'

/** After a failure nobody waits for Redis again for so long: one caller pays the time-out, the others are told at once. */
const REST_MS = 200

/** Sessions and limits wait no longer than this for Redis; what must not be lost may wait longer. */
const COMMAND_TIMEOUT_MS = 50

/** A counter that begins with its window. */
const INCREMENT = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) ttl = tonumber(ARGV[2]) end
return {count, ttl}`

/** A list in order of arrival, the oldest beyond the most taken out. */
const ENLIST = `
redis.call('LREM', KEYS[1], 0, ARGV[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local evicted = {}
while redis.call('LLEN', KEYS[1]) > tonumber(ARGV[2]) do table.insert(evicted, redis.call('LPOP', KEYS[1])) end
return evicted`

const DISBAND = `
local members = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return members`

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

export interface RedisOptions {
  url: string
  commandTimeoutMs?: number
}

/** The store that replicas share. With these options a Redis that is away costs 50 ms once, and never a request. */
export const createRedisStore = ({ url, commandTimeoutMs = COMMAND_TIMEOUT_MS }: RedisOptions): Store => {
  const redis = new Redis(url, {
    connectTimeout: 500,
    commandTimeout: commandTimeoutMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    retryStrategy: () => 100 + Math.random() * 100,
    keyPrefix: 'hks3:'
  })
  // Without a listener ioredis prints every failed attempt to connect; `isUp` and each command tell the same.
  redis.on('error', () => undefined)

  let restUntil = 0
  const ask = async <T>(command: () => Promise<T>): Promise<T> => {
    if (performance.now() < restUntil) throw new StoreDown('resting')
    try {
      return await command()
    } catch (error) {
      restUntil = performance.now() + REST_MS
      throw new StoreDown(error)
    }
  }
  const script = <T>(lua: string, key: string, ...args: (string | number)[]) =>
    // The scripts above fix what comes back.
    ask(() => redis.eval(lua, 1, key, ...args) as Promise<T>)

  return {
    touch: (key, ttlMs) => ask(async () => (await redis.getex(key, 'PX', Math.ceil(ttlMs))) ?? undefined),
    get: key => ask(async () => (await redis.get(key)) ?? undefined),
    put: (key, value, ttlMs) => ask(async () => void (await redis.set(key, value, 'PX', Math.ceil(ttlMs)))),
    claim: (key, value, ttlMs) => ask(async () => (await redis.set(key, value, 'PX', Math.ceil(ttlMs), 'NX')) === 'OK'),
    replace: async (key, old, value, ttlMs) => (await script<number>(REPLACE, key, old, value, Math.ceil(ttlMs))) === 1,
    release: async (key, value) => void (await script(RELEASE, key, value)),
    remove: key => ask(async () => (await redis.del(key)) > 0),
    async increment(key, by, windowMs) {
      const [count, ttlMs] = await script<[number, number]>(INCREMENT, key, by, Math.ceil(windowMs))
      return { count, ttlMs }
    },
    enlist: (key, member, most, ttlMs) => script<string[]>(ENLIST, key, member, most, Math.ceil(ttlMs)),
    delist: (key, member) => ask(async () => void (await redis.lrem(key, 0, member))),
    disband: key => script<string[]>(DISBAND, key),
    isUp: () =>
      ask(() => redis.ping()).then(
        () => true,
        () => false
      ),
    close: async () => redis.disconnect()
  }
}

/** Does this Redis keep an append-only file? False also when it does not answer. */
export const keepsAppendOnlyFile = async (url: string): Promise<boolean> => {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 500, commandTimeout: 500, maxRetriesPerRequest: 0, retryStrategy: () => null })
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return /^aof_enabled:1\s*$/m.test(await redis.info('persistence'))
  } catch {
    return false
  } finally {
    redis.disconnect()
  }
}
