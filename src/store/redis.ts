import { setTimeout as pause } from 'node:timers/promises'
import { Redis, ReplyError } from 'ioredis'
import { createStoreHealth, type Report } from './health.ts'
import type { Store } from './store.ts'

/** A command that takes longer is given up: nobody waits for a Redis that hangs. */
const COMMAND_MS = 50

/** How long the gateway waits at its start for a connection; it starts without one too. */
const START_MS = 500

/**
 * An attempt to connect is given up after so long, and the next one begins soon: where packets are lost, the system
 * would send its own again only after 1 s, and longer each time. Together they leave 150 ms of the 500 ms that a
 * recovery may take. A Redis that needs 200 ms for a connection would miss the 50 ms of every command.
 */
const CONNECT_MS = 200
const RETRY_MS = { least: 50, most: 100 }

/**
 * A connection that owes a reply for so long is replaced by a new one: a firewall that has forgotten it tells nobody,
 * and the system goes on sending for a quarter of an hour, more and more seldom. Longer than any command may take.
 */
const SILENT_MS = 400

/** A counter that begins with its window. */
const INCREMENT = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) ttl = tonumber(ARGV[2]) end
return {count, ttl}`

/** A list in order of arrival, the oldest beyond the most taken out. */
const ADD_MEMBER = `
redis.call('LREM', KEYS[1], 0, ARGV[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local evicted = {}
while redis.call('LLEN', KEYS[1]) > tonumber(ARGV[2]) do table.insert(evicted, redis.call('LPOP', KEYS[1])) end
return evicted`

const REMOVE_ALL_MEMBERS = `
local members = redis.call('LRANGE', KEYS[1], 0, -1)
redis.call('DEL', KEYS[1])
return members`

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

export interface RedisOptions {
  report?: Report
  /** A command that takes longer is given up. */
  commandMs?: number
}

/**
 * The store that replicas share: Redis from 6.2 or Valkey. One that is away costs the first callers 50 ms, and nobody a
 * request that needs no store.
 */
export const createRedisStore = async (
  url: string,
  { report = () => undefined, commandMs = COMMAND_MS }: RedisOptions = {}
): Promise<Store> => {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_MS,
    disconnectTimeout: COMMAND_MS,
    socketTimeout: SILENT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: 100,
    retryStrategy: () => RETRY_MS.least + Math.random() * (RETRY_MS.most - RETRY_MS.least),
    // After a failover the old master is a replica that takes no writes, and the name leads to the new one.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
    keyPrefix: 'hks3:'
  })
  let brokenBy: Error | undefined
  redis.on('error', (error: Error) => {
    brokenBy = error
  })
  redis.on('ready', () => {
    brokenBy = undefined
  })
  await Promise.race([new Promise(resolve => redis.once('ready', resolve)), pause(START_MS, undefined, { ref: false })])

  // A replica would answer PING as well; DEL wants a Redis that takes writes, and works without memory too.
  const look = () => redis.del('probe')
  const outage = createStoreHealth({
    probe: () => inTime(look, commandMs),
    isAnswer: error => error instanceof ReplyError,
    // A command knows no more than that there is no connection; the connection knows why.
    report: cause => report(cause && (brokenBy ?? cause))
  })
  const ask = <T>(command: () => Promise<T>) => outage.ask(() => inTime(command, commandMs))
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
    addMember: (key, member, max, ttlMs) => script<string[]>(ADD_MEMBER, key, member, max, Math.ceil(ttlMs)),
    removeMember: (key, member) => ask(async () => void (await redis.lrem(key, 0, member))),
    removeAllMembers: key => script<string[]>(REMOVE_ALL_MEMBERS, key),
    async now() {
      const [seconds, microseconds] = await ask(() => redis.time())
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    },
    isUp: () =>
      ask(look).then(
        () => true,
        () => false
      ),
    async close() {
      outage.close()
      redis.disconnect()
    }
  }
}

/** Does this Redis keep an append-only file? False also when it does not answer. */
export const keepsAppendOnlyFile = async (url: string): Promise<boolean> => {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 500,
    commandTimeout: 500,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null
  })
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

/**
 * The option `commandTimeout` would blame Redis when this process was busy for 50 ms: here a reply that has arrived by
 * then is read first.
 */
const inTime = <T>(command: () => Promise<T>, ms: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`no reply within ${ms} ms`))
    const timer = setTimeout(() => setImmediate(giveUp), ms)
    command()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
