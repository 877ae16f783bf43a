import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { StoreFault } from './faults.ts'
import {
  type CountedJob,
  type ItemVerdict,
  isOpen,
  JOB_KEPT_MS,
  type JobItem,
  type JobProblem,
  type JobRecord,
  type JobResult,
  type JobState,
  type JobStore
} from './jobs.ts'
import { NewerRecord, readRecord } from './record-format.ts'

/** The keys of a job. Beside them: what leads to it. */
const keysOf = (jobId: string) => {
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
const OPEN = 'jobs-open'
const POSITION = 'jobs-position'
const listOf = (tenant: string) => `jobs-of:${tenant}`
const runningOf = (tenant: string) => `jobs-running:${tenant}`
const targetOf = (target: string) => `job-target:${target}`
const requestOf = ({ tenant, keyHash }: JobRecord) => `job-request:${tenant}:${keyHash ?? ''}`

/** Lua: every key that a script uses is in KEYS, as the ACL of Redis needs it. */
const ADD_ITEMS = `
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

const CREATE = `${ADD_ITEMS}
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

const READ = `
local record = redis.call('GET', KEYS[1])
if not record then return false end
return {record, redis.call('HGETALL', KEYS[2]), redis.call('LLEN', KEYS[3])}`

/** Replaces the record if nothing has changed it. A job that has ended loses what only its work needs. */
const CHANGE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
if ARGV[4] == 'set' then redis.call('SET', KEYS[2], ARGV[5]) end
if ARGV[4] == 'remove' then redis.call('DEL', KEYS[2]) end
if ARGV[6] ~= '' then redis.call('RPUSH', KEYS[3], ARGV[6]) end
if ARGV[7] ~= 'running' then redis.call('SREM', KEYS[4], ARGV[3]) end
if ARGV[8] == '0' then return 1 end
redis.call('DEL', KEYS[2], KEYS[7], KEYS[8], KEYS[9])
redis.call('SREM', KEYS[5], ARGV[3])
if redis.call('GET', KEYS[6]) == ARGV[3] then redis.call('DEL', KEYS[6]) end
for _, key in ipairs({KEYS[1], KEYS[3], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]}) do
  redis.call('PEXPIRE', key, ARGV[8])
end
return 1`

const START = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'changed' end
if redis.call('SISMEMBER', KEYS[2], ARGV[3]) == 0 and redis.call('SCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  return 'later'
end
redis.call('SADD', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
return 'started'`

const TAKE = `
local taken = {}
for _, seq in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])) do
  table.insert(taken, {seq, redis.call('HGET', KEYS[2], seq), redis.call('SADD', KEYS[3], seq)})
end
return taken`

/** ARGV: number, verdict, what is kept of it, … */
const SETTLE = `
for i = 1, #ARGV, 3 do
  if redis.call('ZREM', KEYS[1], ARGV[i]) == 1 then
    redis.call('SREM', KEYS[2], ARGV[i])
    redis.call('HSET', KEYS[3], ARGV[i], ARGV[i + 2])
    redis.call('ZADD', KEYS[4], 0, ARGV[i + 1] .. ':' .. string.format('%012d', ARGV[i]))
    redis.call('HINCRBY', KEYS[5], 'v:' .. ARGV[i + 1], 1)
  end
end
return 1`

/** Items of one command: no other command waits long for it. */
const BATCH = 500

/** Runs a command while Redis neither loses nor evicts what it holds. @throws StoreUnavailable */
export type RedisCommand = <T>(command: (redis: Redis) => Promise<T>) => Promise<T>

/** The jobs of all replicas. */
export const createRedisJobs = (command: RedisCommand, check: () => Promise<StoreFault | undefined>): JobStore => {
  const script = <T>(lua: string, keys: readonly string[], ...args: readonly (string | number)[]) =>
    // Each script has a fixed type of reply.
    command(redis => redis.eval(lua, keys.length, ...keys, ...args) as Promise<T>)

  const read = async (jobId: string): Promise<{ text: string; job: CountedJob } | undefined> => {
    const { record, counts, events } = keysOf(jobId)
    const found = await script<[string, string[], number] | null>(READ, [record, counts, events])
    if (!found) return undefined
    const [text, pairs, lastEventId] = found
    const counted = new Map(pairs.flatMap((name, index) => (index % 2 === 0 ? [[name, Number(pairs[index + 1])]] : [])))
    const verdicts = Object.fromEntries(
      [...counted].flatMap(([name, n]) => (name.startsWith('v:') ? [[name.slice(2), n]] : []))
    )
    return {
      text,
      job: { ...readRecord<JobRecord>(text, 'a job'), found: counted.get('found') ?? 0, verdicts, lastEventId }
    }
  }

  const settle = async (jobId: string, verdicts: readonly ItemVerdict[]): Promise<void> => {
    const { open, sent, done, verdicts: byVerdict, counts } = keysOf(jobId)
    for (let from = 0; from < verdicts.length; from += BATCH) {
      const args = verdicts
        .slice(from, from + BATCH)
        .flatMap(({ seq, verdict, problem }) => [
          seq,
          verdict,
          problem ? JSON.stringify({ verdict, problem }) : verdict
        ])
      await script(SETTLE, [open, sent, done, byVerdict, counts], ...args)
    }
  }

  const addItems = async (jobId: string, keys: readonly string[]): Promise<number> => {
    const { numbers, items, open, counts } = keysOf(jobId)
    let added = 0
    for (let from = 0; from < keys.length; from += BATCH) {
      const args = keys.slice(from, from + BATCH)
      added += await script<number>(
        `${ADD_ITEMS} return add(KEYS[1], KEYS[2], KEYS[3], KEYS[4], 1)`,
        [numbers, items, open, counts],
        ...args
      )
    }
    return added
  }

  /** The results of these numbers that have a verdict. */
  const resultsOf = async (jobId: string, numbers: readonly number[]): Promise<JobResult[]> => {
    if (numbers.length === 0) return []
    const { items, done } = keysOf(jobId)
    const [names, kept] = await command(redis =>
      Promise.all([redis.hmget(items, ...numbers.map(String)), redis.hmget(done, ...numbers.map(String))])
    )
    return numbers.flatMap((seq, index): JobResult[] => {
      const [key, text] = [names[index], kept[index]]
      return key == null || text == null ? [] : [{ seq, key, ...toVerdict(text) }]
    })
  }

  /** Removes two of the oldest from the list of a customer if they have expired: it grows no longer than what exists. */
  const removeExpired = async (tenant: string): Promise<void> => {
    for (const jobId of await command(redis => redis.zrange(listOf(tenant), 0, 1))) {
      if (!(await read(jobId))) await command(redis => redis.zrem(listOf(tenant), jobId))
    }
  }

  return {
    async create(record, credential, keys) {
      const { jobId, tenant, target, keyHash } = record
      const own = keysOf(jobId)
      const [kind, id] = await script<[string, string]>(
        CREATE,
        [
          requestOf(record),
          targetOf(target),
          own.record,
          own.credential,
          OPEN,
          listOf(tenant),
          POSITION,
          own.numbers,
          own.items,
          own.open,
          own.counts
        ],
        JSON.stringify(record),
        credential,
        jobId,
        keyHash === undefined ? '0' : '1',
        ...keys
      )
      if (kind === 'running') return { running: id }
      const known = kind === 'known' ? await read(id) : undefined
      if (known) return { known: known.job }
      // What exists already is not lost with it.
      await removeExpired(tenant).catch(() => undefined)
      return { created: true }
    },
    get: async jobId => (await read(jobId))?.job,
    async list(tenant, { state, accounts, before, limit }) {
      const jobs: CountedJob[] = []
      const isAsked = (job: CountedJob) =>
        (state === undefined || job.state === state) && (accounts === undefined || accounts.includes(job.s3uid))
      let from = before === undefined ? '+inf' : `(${before}`
      for (;;) {
        const pairs = await command(redis =>
          redis.zrevrangebyscore(listOf(tenant), from, '-inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
        )
        for (let i = 0; i < pairs.length; i += 2) {
          const jobId = String(pairs[i])
          const found = await read(jobId)
          if (!found) await command(redis => redis.zrem(listOf(tenant), jobId))
          else if (isAsked(found.job)) {
            if (jobs.length === limit) return { jobs, next: from.slice(1) }
            jobs.push(found.job)
          }
          from = `(${pairs[i + 1]}`
        }
        if (pairs.length < 2 * (limit + 1)) return { jobs, next: undefined }
      }
    },
    async change(jobId, states, change, { credential, event } = {}) {
      for (;;) {
        const found = await read(jobId)
        if (!found || !states.includes(found.job.state)) return undefined
        const job = { ...found.job, ...change } as CountedJob
        const own = keysOf(jobId)
        const isChanged = await script<number>(
          CHANGE,
          [
            own.record,
            own.credential,
            own.events,
            runningOf(job.tenant),
            OPEN,
            targetOf(job.target),
            own.numbers,
            own.open,
            own.sent,
            own.counts,
            own.items,
            own.done,
            own.verdicts,
            requestOf(job)
          ],
          found.text,
          JSON.stringify(plain(job)),
          jobId,
          credential === undefined ? '' : credential === null ? 'remove' : 'set',
          credential ?? '',
          event?.(job) ?? '',
          job.state,
          isOpen(job) ? '0' : String(JOB_KEPT_MS)
        )
        if (isChanged === 1) return job
      }
    },
    async start(jobId, maxRunning, now) {
      for (;;) {
        const found = await read(jobId)
        if (!found || (found.job.state !== 'queued' && found.job.state !== 'running')) return undefined
        const job = { ...found.job, state: 'running' as const, startedAt: found.job.startedAt ?? now }
        const own = keysOf(jobId)
        const result = await script<string>(
          START,
          [own.record, runningOf(job.tenant)],
          found.text,
          JSON.stringify(plain(job)),
          jobId,
          found.job.state === 'running' ? Number.MAX_SAFE_INTEGER : maxRunning
        )
        if (result === 'changed') continue
        if (result === 'later') return 'later'
        return { job, credential: (await command(redis => redis.get(own.credential))) ?? '' }
      }
    },
    addItems,
    async takeItems(jobId, after, limit) {
      const { open, items, sent } = keysOf(jobId)
      const taken = await script<[string, string, number][]>(TAKE, [open, items, sent], after, limit)
      return taken.map(([seq, key, isNew]): JobItem => ({ seq: Number(seq), key, wasSent: isNew === 0 }))
    },
    async returnItems(jobId, seqs) {
      if (seqs.length > 0) await command(redis => redis.srem(keysOf(jobId).sent, ...seqs.map(String)))
    },
    settle,
    async settleRest(jobId, verdict, problem) {
      for (;;) {
        const rest = await command(redis => redis.zrange(keysOf(jobId).open, '0', String(BATCH - 1)))
        if (rest.length === 0) return
        await settle(
          jobId,
          rest.map(seq => ({ seq: Number(seq), verdict, problem }))
        )
      }
    },
    async verdictsOf(jobId, keys) {
      const verdicts = new Map<string, string | undefined>()
      if (keys.length === 0) return verdicts
      const own = keysOf(jobId)
      const numbers = await command(redis => redis.hmget(own.numbers, ...keys))
      const known = keys.flatMap((key, index) => (numbers[index] == null ? [] : [{ key, seq: String(numbers[index]) }]))
      if (known.length === 0) return verdicts
      const kept = await command(redis => redis.hmget(own.done, ...known.map(({ seq }) => seq)))
      for (const [index, { key }] of known.entries()) {
        const text = kept[index]
        verdicts.set(key, text == null ? undefined : toVerdict(text).verdict)
      }
      return verdicts
    },
    async results(jobId, { after, limit, verdict }) {
      const own = keysOf(jobId)
      if (verdict !== undefined) {
        const members = await command(redis =>
          redis.zrangebylex(own.verdicts, `(${verdict}:${padded(after)}`, `[${verdict}:~`, 'LIMIT', 0, limit)
        )
        return resultsOf(
          jobId,
          members.map(member => Number(member.slice(verdict.length + 1)))
        )
      }
      const found = Number(await command(redis => redis.hget(own.counts, 'found')))
      const results: JobResult[] = []
      for (let from = after + 1; from <= found && results.length < limit; from += BATCH) {
        const numbers = Array.from({ length: Math.min(BATCH, found - from + 1) }, (_, index) => from + index)
        results.push(...(await resultsOf(jobId, numbers)))
      }
      return results.slice(0, limit)
    },
    async addEvent(jobId, data) {
      await command(redis => redis.rpush(keysOf(jobId).events, data))
    },
    async events(jobId, { after, limit }) {
      const found = await command(redis => redis.lrange(keysOf(jobId).events, after, after + limit - 1))
      return found.map((data, index) => ({ id: after + index + 1, data }))
    },
    async statistics() {
      const states: Partial<Record<JobState, number>> = {}
      let oldestQueuedAt: number | undefined
      for (const jobId of await command(redis => redis.smembers(OPEN))) {
        const found = await read(jobId).catch(ignoringNewer)
        if (!found) continue
        const { state, createdAt } = found.job
        states[state] = (states[state] ?? 0) + 1
        if (state === 'queued') oldestQueuedAt = Math.min(createdAt, oldestQueuedAt ?? createdAt)
      }
      return { states, oldestQueuedAt }
    },
    check,
    // The connection is that of the store.
    close: () => pause(0)
  }
}

/** What looks at every job does without those of a newer version, which has replicas of its own. */
const ignoringNewer = (error: unknown): undefined => {
  if (!(error instanceof NewerRecord)) throw error
}

/** The jobs that wait or run. */
export const listWaitingJobs = async (command: RedisCommand, jobs: Pick<JobStore, 'get'>): Promise<string[]> => {
  const waiting: string[] = []
  for (const jobId of await command(redis => redis.smembers(OPEN))) {
    const state = (await jobs.get(jobId).catch(ignoringNewer))?.state
    if (state === 'queued' || state === 'running') waiting.push(jobId)
  }
  return waiting
}

const padded = (seq: number): string => String(seq).padStart(12, '0')

const toVerdict = (text: string): { verdict: string; problem?: JobProblem } =>
  text.startsWith('{') ? JSON.parse(text) : { verdict: text }

/** Without what is counted apart. */
const plain = ({ found: _, verdicts: __, lastEventId: ___, ...record }: CountedJob): JobRecord => record
