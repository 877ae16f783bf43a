import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { neededBy } from './admission.ts'
import { explainRedisError, isSentinelError, type ReportFault } from './faults.ts'
import { createStoreHealth, type ObserveCommand } from './health.ts'
import type { RedisCommand } from './redis-command.ts'
import { createDurability } from './redis-durability.ts'
import { AWAY, isLost, isOutOfMemory, isReply } from './redis-errors.ts'
import { exercise } from './redis-exercise.ts'
import { nameOf, type RedisConnection, storeOptionsOf } from './redis-options.ts'
import {
  ADD_MEMBER,
  type AdmitReply,
  COUNT_MARKED,
  createScripts,
  MARK,
  PREFIX,
  RELEASE,
  REMOVE_ALL_MEMBERS,
  REPLACE
} from './redis-scripts.ts'
import { CONNECT_MS, COUNTER_MS, SlowCounter, withTimeout } from './redis-timeouts.ts'
import {
  type Admission,
  type Count,
  type DurableStore,
  type Limit,
  type OwnedLimits,
  type Store,
  StoreUnavailable
} from './store.ts'

/** How long the start waits for a connection; then the gateway starts without one. */
const START_MS = 500

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
  const redis = new Redis(storeOptionsOf(connection))
  const scripts = createScripts(redis)
  const { script, sendAdmit } = scripts
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
      await exercise(redis, scripts)
      await durability.examine()
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

  const report = reports.ledger ?? (() => undefined)
  const durability = createDurability({ redis, health, where, explain, report })
  const { durable } = durability

  /** Sends a command once there is a connection: one that was lost may be back at once. */
  const whenConnected = <T>(command: () => Promise<T>): Promise<T> =>
    redis.status === 'end' || (redis.status === 'ready' && redis.stream.writable)
      ? command()
      : new Promise<void>(resolve => waiting.push(resolve)).then(command)
  const run = <T>(command: () => Promise<T>) => health.run(() => withTimeout(() => whenConnected(command), timeoutMs))
  /** A read whose connection was lost is sent once more, within the same time-out. */
  const read = <T>(command: () => Promise<T>) =>
    run(() => command().catch(error => (isLost(error) ? whenConnected(command) : Promise.reject(error))))

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

  // After the last sentinel the client says that none answers, also when they have named a master that does not answer.
  let isNamed = false
  redis.on('error', (error: Error) => {
    if (!isNamed || !isSentinelError(error)) connectionError = error
    isNamed = !isSentinelError(error)
    health.lose(noConnection())
    wake()
  })
  redis.on('close', () => {
    durability.forget()
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
      check: durability.check,
      close: store.close
    }
  }
}
