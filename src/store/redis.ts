import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis, ReplyError } from 'ioredis'
import { neededBy } from './admission.ts'
import { explainRedisError, isSentinelError, type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import { createStoreHealth, type ObserveCommand } from './health.ts'
import { durabilityFaultOf, isCluster } from './redis-durability.ts'
import type { RedisCommand } from './redis-jobs.ts'
import { type ClientOptions, clientOptionsOf, nameOf, type RedisConnection } from './redis-options.ts'
import {
  type Admission,
  type Count,
  type DurableStore,
  type Limit,
  type OwnedLimits,
  type Store,
  StoreUnavailable
} from './store.ts'

/**
 * How long a counter waits. A rate limit is not worth more: the process counts alone instead. What else needs the store
 * waits for `timeoutMs`, because without an answer it fails.
 */
const COUNTER_MS = 50

/** Time-out of an examination: no request waits for it, and a slow one must not look like an outage. */
const EXAMINE_MS = 2000

/** How long the start waits for a connection; then the gateway starts without one. */
const START_MS = 500

/**
 * Time-out of an attempt to connect, and the pause before the next one; the first one follows at once. When packets are
 * lost, the operating system retries only after 1 s, and later each time. Together they leave 150 ms of the 500 ms that a
 * recovery may take.
 */
const CONNECT_MS = 200
/** With the handshake of TLS, on a busy machine. */
const CONNECT_TLS_MS = 2000
const RETRY_MS = { min: 50, max: 100 }

/**
 * A connection without a reply for this long is replaced, if that is longer than a time-out. When a firewall has dropped
 * its state, neither side is notified, and the operating system retransmits for about 15 minutes.
 */
const SOCKET_TIMEOUT_MS = 400

/** Of every key of the gateway. */
const PREFIX = 'hks3:'

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

const NOW = `local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** A sorted set: the score of a member is the time until which it counts. Those whose time is over are removed. */
const MARK = `${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end`

const COUNT_MARKED = `${NOW} return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')`

const REPLACE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1`

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

/** What Redis and its order ledger report, each for itself. */
export interface RedisReports {
  store?: ReportFault
  ledger?: ReportFault
  observe?: ObserveCommand
}

/**
 * The store that replicas share: Redis 6.2 or later, or Valkey. When it becomes unavailable, the first commands wait for
 * their time-out; the later ones fail at once.
 * @property durable refuses every command while Redis may lose or evict what it holds, as does `command`
 */
export const createRedisStore = async (
  connection: RedisConnection,
  reports: RedisReports = {}
): Promise<Store & { durable: DurableStore; command: RedisCommand }> => {
  const { timeoutMs } = connection
  const where = nameOf(connection)
  const connectOptions = clientOptionsOf(connection)
  const options: ClientOptions = {
    ...connectOptions,
    connectTimeout: Math.max(connectOptions.tls ? CONNECT_TLS_MS : CONNECT_MS, timeoutMs),
    disconnectTimeout: COUNTER_MS,
    socketTimeout: Math.max(connectOptions.tls ? CONNECT_TLS_MS : SOCKET_TIMEOUT_MS, timeoutMs + COUNTER_MS),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: 100,
    retryStrategy: retryDelay,
    sentinelRetryStrategy: retryDelay,
    sentinelCommandTimeout: timeoutMs,
    // After a failover the old master is a read-only replica, and its host name resolves to the new master.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
    keyPrefix: PREFIX
  }
  const redis = new Redis(options)
  /** Called when the connection is ready, or when there is none. */
  let waiting: (() => void)[] = []
  const wake = () => {
    const woken = waiting
    waiting = []
    for (const each of woken) each()
  }
  let connectionError: Error | undefined
  const noConnection = () => connectionError ?? new Error('there is no connection')

  // A read-only replica answers PING too. DEL needs a writable Redis, and works when its memory is full.
  const probe = () => withTimeout(() => redis.del('probe'), timeoutMs)
  const explain = (error: unknown) => explainRedisError(isLost(error) ? noConnection() : error, where)
  const health = createStoreHealth({
    probe,
    examine: async () => {
      await exercise()
      await examineDurability()
    },
    explain,
    classify: error => {
      if (error instanceof SlowCounter) return 'slow'
      if (isReply(error)) return AWAY.test(error.message) ? 'away' : 'wrong'
      return isLost(error) ? 'lost' : 'away'
    },
    report: reports.store ?? (() => undefined),
    ...(reports.observe && { observe: reports.observe })
  })

  /** Sends a command once there is a connection: one that was lost may be back at once. */
  const whenConnected = <T>(command: () => Promise<T>): Promise<T> =>
    redis.status === 'end' || (redis.status === 'ready' && redis.stream.writable)
      ? command()
      : new Promise<void>(resolve => waiting.push(resolve)).then(command)
  const run = <T>(command: () => Promise<T>) => health.run(() => withTimeout(() => whenConnected(command), timeoutMs))
  /** A read whose connection was lost is sent once more, within the same time-out. */
  const read = <T>(command: () => Promise<T>) =>
    run(() => command().catch(error => (isLost(error) ? whenConnected(command) : Promise.reject(error))))
  const script = <T>(lua: string, key: string, ...args: (string | number)[]) =>
    // Each script above has a fixed type of reply.
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
  const admit = async (limits: readonly Limit[], owned?: OwnedLimits): Promise<Admission> => {
    if (!owned && health.isSlow) throw new StoreUnavailable('slow')
    const command = () => sendAdmit(limits, owned)
    const [counts, record] = owned
      ? // Sent once more after a lost connection, like every read: a request that counts twice is better than a refused one.
        await read(command).catch(async (error): Promise<AdmitReply> => {
          if (!isOutOfMemory(error.cause)) throw error
          // Reads still work.
          return [[], (await readOwned(owned)) ?? null]
        })
      : await health.run(() => withTimeout(command, Math.min(COUNTER_MS, timeoutMs), SlowCounter))
    return { counts: counts.map(([count, ttlMs]) => ({ count, ttlMs })), record: record ?? undefined }
  }

  const readOwned = async ({ key, ttlMs }: OwnedLimits) => {
    const record = ttlMs === undefined ? await store.get(key) : await store.touch(key, ttlMs)
    const needed = record === undefined ? [] : neededBy(record)
    return needed.length > 0 && (await store.getAll(needed)).includes(undefined) ? undefined : record
  }

  const store: Store = {
    touch: (key, ttlMs) => read(async () => (await redis.getex(key, 'PX', Math.ceil(ttlMs))) ?? undefined),
    get: key => read(async () => (await redis.get(key)) ?? undefined),
    put: (key, value, ttlMs) => run(async () => void (await redis.set(key, value, 'PX', Math.ceil(ttlMs)))),
    claim: (key, value, ttlMs) => run(async () => (await redis.set(key, value, 'PX', Math.ceil(ttlMs), 'NX')) === 'OK'),
    replace: async (key, old, value, ttlMs) =>
      (await run(() => script<number>(REPLACE, key, old, value, Math.ceil(ttlMs)))) === 1,
    release: async (key, value) => void (await run(() => script(RELEASE, key, value))),
    remove: key => run(async () => (await redis.del(key)) > 0),
    admit,
    async increment(key, by, windowMs) {
      const { counts } = await admit([{ key, by, windowMs, max: Number.MAX_SAFE_INTEGER }])
      return counts[0] as Count
    },
    addMember: (key, member, max, ttlMs) => run(() => script<string[]>(ADD_MEMBER, key, member, max, Math.ceil(ttlMs))),
    removeMember: (key, member) => run(async () => void (await redis.lrem(key, 0, member))),
    members: key => read(() => redis.lrange(key, 0, -1)),
    getAll: async keys =>
      keys.length === 0 ? [] : (await read(() => redis.mget(...keys))).map(value => value ?? undefined),
    removeAllMembers: key => run(() => script<string[]>(REMOVE_ALL_MEMBERS, key)),
    mark: async (group, member, ttlMs) => void (await run(() => script(MARK, group, member, Math.ceil(ttlMs)))),
    unmark: (group, member) => run(async () => void (await redis.zrem(group, member))),
    countMarked: group => read(() => script<number>(COUNT_MARKED, group)),
    async keys(prefix) {
      const found = new Set<string>()
      let cursor = '0'
      do {
        // ioredis puts its prefix before the names of keys, but not before a pattern.
        const [next, keys] = await read(() => redis.scan(cursor, 'MATCH', `${PREFIX}${prefix}*`, 'COUNT', 1000))
        for (const key of keys) found.add(key.slice(PREFIX.length))
        cursor = next
      } while (cursor !== '0')
      return [...found]
    },
    async now() {
      const [seconds, microseconds] = await read(() => redis.time())
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    },
    check: () => health.check(),
    async close() {
      health.close()
      redis.disconnect()
      wake()
    }
  }

  /** Does what the gateway does, with a key of its own: an ACL user that lacks a command or the keys is noticed here. */
  const exercise = async () => {
    const own = `probe:${randomUUID()}`
    const lifeMs = 1000
    const commands = () => [
      redis.set(own, 'a', 'PX', lifeMs),
      redis.set(own, 'b', 'PX', lifeMs, 'NX'),
      redis.getex(own, 'PX', lifeMs),
      redis.get(own),
      redis.time(),
      script(REPLACE, own, 'a', 'b', lifeMs),
      script(RELEASE, own, 'b'),
      sendAdmit([{ key: own, by: 1, windowMs: lifeMs, max: 1 }], { key: own, ttlMs: lifeMs, limits: [] }),
      redis.del(own),
      script(ADD_MEMBER, own, 'a', 1, lifeMs),
      redis.lrange(own, 0, -1),
      redis.mget(`${own}:other`),
      redis.lrem(own, 0, 'a'),
      script(REMOVE_ALL_MEMBERS, own),
      script(MARK, own, 'a', lifeMs),
      script(COUNT_MARKED, own),
      redis.zrem(own, 'a')
    ]
    await withTimeout(() => Promise.all<unknown>(commands()), EXAMINE_MS)
  }

  const tellLedger = reportOnce(reports.ledger ?? (() => undefined))
  /** Undefined until it is examined, and after each connection: another Redis may be behind the address. */
  let durability: { fault: StoreFault | undefined } | undefined
  let examining: Promise<void> | undefined
  const examineDurability = (): Promise<void> => {
    examining ??= (async () => {
      try {
        const info = await withTimeout(() => redis.info(), EXAMINE_MS)
        if (isCluster(info)) throw new ReplyError('MOVED: cluster_enabled is 1')
        durability = { fault: durabilityFaultOf(info, where) }
      } catch (error) {
        if (!isReply(error)) throw error
        durability = { fault: explain(error) }
        if (!/NOPERM|has no permissions/.test(error.message)) throw error
      } finally {
        examining = undefined
      }
      tellLedger(durability.fault)
    })()
    return examining
  }
  const durable = <A extends unknown[], T>(command: (...args: A) => Promise<T>) => {
    return async (...args: A): Promise<T> => {
      // What was wrong may be mended: it is examined again for each order.
      if (durability === undefined || durability.fault) await health.run(examineDurability)
      if (durability?.fault) throw new StoreUnavailable(durability.fault.code)
      return command(...args)
    }
  }

  // After the last sentinel the client says that none answers, also when they have named a master that does not answer.
  let isNamed = false
  redis.on('error', (error: Error) => {
    if (!isNamed || !isSentinelError(error)) connectionError = error
    isNamed = !isSentinelError(error)
    health.lose(noConnection())
    wake()
  })
  redis.on('close', () => {
    durability = undefined
    // A Redis that runs has another connection by then; one that does not refuses it at once, which is an error.
    setTimeout(() => {
      if (redis.status === 'ready') return
      health.lose(noConnection())
      wake()
    }, CONNECT_MS).unref()
  })
  redis.on('ready', () => {
    connectionError = undefined
    isNamed = true
    wake()
    if (!health.isAway) void health.examineNow()
  })
  await Promise.race([
    new Promise(resolve => waiting.push(() => resolve(undefined))),
    pause(START_MS, undefined, { ref: false })
  ])
  if (redis.status !== 'ready') health.lose(noConnection())
  else await Promise.race([health.examineNow(), pause(START_MS, undefined, { ref: false })])

  return {
    ...store,
    command: durable(<T>(command: (redis: Redis) => Promise<T>) => run(() => command(redis))) as RedisCommand,
    durable: {
      get: durable(store.get),
      put: durable(store.put),
      claim: durable(store.claim),
      replace: durable(store.replace),
      release: durable(store.release),
      remove: durable(store.remove),
      addMember: durable(store.addMember),
      removeMember: durable(store.removeMember),
      members: durable(store.members),
      getAll: durable(store.getAll),
      keys: durable(store.keys),
      now: durable(store.now),
      async check() {
        if (durability === undefined || durability.fault) await health.run(examineDurability).catch(() => undefined)
        return durability === undefined ? store.check() : durability.fault
      },
      close: store.close
    }
  }
}

/** Count and remaining time of each limit, and the record. */
type AdmitReply = [counts: [number, number][], record: string | null]

/** The steps of ADMIT. */
const admitStepsOf = (limits: readonly Limit[], owned: OwnedLimits | undefined) => {
  const counter = ({ key, by, windowMs, max }: Limit) => ({ key, by, ms: windowMs, max })
  const first = limits.map(counter)
  if (!owned) return first
  return [...first, { key: owned.key, by: '', ms: owned.ttlMs, max: '' }, ...owned.limits.map(counter)]
}

/** At once for a connection that was lost, then after pauses. */
const retryDelay = (attempts: number): number =>
  attempts <= 1 ? 0 : RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min)

/** Replies with which Redis refuses every write: other commands would fail too. */
const AWAY = /^(READONLY|MASTERDOWN|LOADING|NOAUTH|WRONGPASS)/

const isReply = (error: unknown): error is Error => error instanceof ReplyError

const isOutOfMemory = (error: unknown): boolean => isReply(error) && /\bOOM\b/.test(error.message)

/** The errors of ioredis for a command that it could not send, or whose connection broke. */
const isLost = (error: unknown): boolean =>
  error instanceof Error &&
  /^Connection is closed|^Stream isn't writeable|MaxRetriesPerRequest|max retries per request/i.test(
    `${error.message} ${error.name}`
  )

class TimedOut extends Error {}

/** A counter has not waited for its answer. */
class SlowCounter extends TimedOut {}

/**
 * The option `commandTimeout` of ioredis also fires when this process was busy meanwhile. Here a reply that has arrived
 * by then is read first.
 */
const withTimeout = <T>(command: () => Promise<T>, ms: number, Failure = TimedOut): Promise<T> =>
  new Promise((resolve, reject) => {
    const giveUp = () => reject(new Failure(`no reply within ${ms} ms`))
    const timer = setTimeout(() => setImmediate(giveUp), ms)
    command()
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
