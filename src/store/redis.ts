import { setTimeout as pause } from 'node:timers/promises'
import { Redis, ReplyError } from 'ioredis'
import { createStoreHealth, type ReportHealth } from './health.ts'
import type { Store } from './store.ts'

/** Time-out of a command: a request must not wait for a Redis that hangs. */
const COMMAND_MS = 50

/** How long the start waits for a connection; then the gateway starts without one. */
const START_MS = 500

/**
 * Time-out of an attempt to connect, and the pause before the next one. When packets are lost, the operating system
 * retries only after 1 s, and later each time. Together they leave 150 ms of the 500 ms that a recovery may take.
 * A Redis that needs more than 200 ms to connect could not answer commands within 50 ms either.
 */
const CONNECT_MS = 200
const RETRY_MS = { min: 50, max: 100 }

/**
 * A connection without a reply for this long is replaced. When a firewall has dropped its state, neither side is
 * notified, and the operating system retransmits for about 15 minutes. Longer than the time-out of any command.
 */
const SOCKET_TIMEOUT_MS = 400

/** A counter whose window starts with the first increment. */
const INCREMENT = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) ttl = tonumber(ARGV[2]) end
return {count, ttl}`

/** A list in order of arrival; the oldest beyond the maximum are removed. */
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
  report?: ReportHealth
  /** Time-out of a command. */
  commandMs?: number
}

/**
 * The store that replicas share: Redis 6.2 or later, or Valkey. When it becomes unavailable, the first commands wait for
 * 50 ms; the later ones fail at once.
 */
export const createRedisStore = async (
  url: string,
  { report = () => undefined, commandMs = COMMAND_MS }: RedisOptions = {}
): Promise<Store> => {
  const redis = new Redis(url, {
    connectTimeout: CONNECT_MS,
    disconnectTimeout: COMMAND_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: 100,
    retryStrategy: () => RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min),
    // After a failover the old master is a read-only replica, and its host name resolves to the new master.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
    keyPrefix: 'hks3:'
  })
  let connectionError: Error | undefined
  redis.on('error', (error: Error) => {
    connectionError = error
  })
  redis.on('ready', () => {
    connectionError = undefined
  })
  await Promise.race([new Promise(resolve => redis.once('ready', resolve)), pause(START_MS, undefined, { ref: false })])

  // A read-only replica answers PING too. DEL needs a writable Redis, and works when its memory is full.
  const probe = () => redis.del('probe')
  const health = createStoreHealth({
    probe: () => withTimeout(probe, commandMs),
    isAnswer: error => error instanceof ReplyError,
    // The error of a command says only that there is no connection; the error of the connection says why.
    report: cause => report(cause && (connectionError ?? cause))
  })
  const run = <T>(command: () => Promise<T>) => health.run(() => withTimeout(command, commandMs))
  const script = <T>(lua: string, key: string, ...args: (string | number)[]) =>
    // Each script above has a fixed type of reply.
    run(() => redis.eval(lua, 1, key, ...args) as Promise<T>)

  return {
    touch: (key, ttlMs) => run(async () => (await redis.getex(key, 'PX', Math.ceil(ttlMs))) ?? undefined),
    get: key => run(async () => (await redis.get(key)) ?? undefined),
    put: (key, value, ttlMs) => run(async () => void (await redis.set(key, value, 'PX', Math.ceil(ttlMs)))),
    claim: (key, value, ttlMs) => run(async () => (await redis.set(key, value, 'PX', Math.ceil(ttlMs), 'NX')) === 'OK'),
    replace: async (key, old, value, ttlMs) => (await script<number>(REPLACE, key, old, value, Math.ceil(ttlMs))) === 1,
    release: async (key, value) => void (await script(RELEASE, key, value)),
    remove: key => run(async () => (await redis.del(key)) > 0),
    async increment(key, by, windowMs) {
      const [count, ttlMs] = await script<[number, number]>(INCREMENT, key, by, Math.ceil(windowMs))
      return { count, ttlMs }
    },
    addMember: (key, member, max, ttlMs) => script<string[]>(ADD_MEMBER, key, member, max, Math.ceil(ttlMs)),
    removeMember: (key, member) => run(async () => void (await redis.lrem(key, 0, member))),
    removeAllMembers: key => script<string[]>(REMOVE_ALL_MEMBERS, key),
    async now() {
      const [seconds, microseconds] = await run(() => redis.time())
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    },
    isUp: () =>
      run(probe).then(
        () => true,
        () => false
      ),
    async close() {
      health.close()
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
 * The option `commandTimeout` of ioredis also fires when this process was busy for 50 ms. Here a reply that has arrived
 * by then is read first.
 */
const withTimeout = <T>(command: () => Promise<T>, ms: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error(`no reply within ${ms} ms`))
    const timer = setTimeout(() => setImmediate(giveUp), ms)
    command()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
