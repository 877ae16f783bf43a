import { setTimeout as pause } from 'node:timers/promises'
import type { StoreFault } from './faults.ts'
import { type CountedJob, isOpen, JOB_KEPT_MS, type JobRecord, type JobStore, mustBeRecorded } from './jobs.ts'
import { NewerRecord, readRecord } from './record-format.ts'
import { createRedisScript, type RedisCommand } from './redis-command.ts'
import { createRedisJobItems } from './redis-job-items.ts'
import {
  CHANGE,
  CREATE,
  keysOf,
  listOf,
  OPEN,
  POSITION,
  READ,
  requestOf,
  runningOf,
  START,
  targetOf,
  UNRECORDED
} from './redis-job-scripts.ts'

/** The jobs of all replicas. */
export const createRedisJobs = (command: RedisCommand, check: () => Promise<StoreFault | undefined>): JobStore => {
  const script = createRedisScript(command)

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

  /** The jobs of a set, without those of a newer version, which has replicas of its own. */
  const readAll = async (set: string): Promise<CountedJob[]> => {
    const jobs: CountedJob[] = []
    for (const jobId of await command(redis => redis.smembers(set))) {
      const found = await read(jobId).catch((error: unknown) => {
        if (!(error instanceof NewerRecord)) throw error
      })
      if (found) jobs.push(found.job)
    }
    return jobs
  }

  /** Removes two of the oldest from the list of a customer if they have expired: it grows no longer than what exists. */
  const removeExpired = async (tenant: string): Promise<void> => {
    for (const jobId of await command(redis => redis.zrange(listOf(tenant), '0', '1'))) {
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
    async findByKey(tenant, keyHash) {
      const jobId = await command(redis => redis.get(requestOf({ tenant, keyHash })))
      return jobId === null ? undefined : (await read(jobId))?.job
    },
    async list(tenant, { state, accounts, madeBy, before, limit }) {
      const jobs: CountedJob[] = []
      const isAsked = (job: CountedJob) =>
        (state === undefined || job.state === state) &&
        (accounts === undefined || accounts.includes(job.s3uid)) &&
        (madeBy === undefined || job.madeBy === madeBy)
      const position = before && (await command(redis => redis.zscore(listOf(tenant), before)))
      if (position === null) return { jobs, hasMore: false }
      let from = position === undefined ? '+inf' : `(${position}`
      for (;;) {
        const pairs = await command(redis =>
          redis.zrevrangebyscore(listOf(tenant), from, '-inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
        )
        for (let i = 0; i < pairs.length; i += 2) {
          const jobId = String(pairs[i])
          const found = await read(jobId)
          if (!found) await command(redis => redis.zrem(listOf(tenant), jobId))
          else if (isAsked(found.job)) {
            if (jobs.length === limit) return { jobs, hasMore: true }
            jobs.push(found.job)
          }
          from = `(${pairs[i + 1]}`
        }
        if (pairs.length < 2 * (limit + 1)) return { jobs, hasMore: false }
      }
    },
    listOpen: () => readAll(OPEN),
    listUnrecorded: () => readAll(UNRECORDED),
    async markRecorded(jobId) {
      await command(redis => redis.srem(UNRECORDED, jobId))
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
            requestOf(job),
            UNRECORDED
          ],
          found.text,
          JSON.stringify(plain(job)),
          jobId,
          credential === undefined ? '' : credential === null ? 'remove' : 'set',
          credential ?? '',
          event?.(job) ?? '',
          job.state,
          isOpen(job) ? '0' : String(JOB_KEPT_MS),
          mustBeRecorded(job.state) ? '1' : '0'
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
    ...createRedisJobItems(command, script),
    async addEvent(jobId, data) {
      await command(redis => redis.rpush(keysOf(jobId).events, data))
    },
    async events(jobId, { after, limit }) {
      const found = await command(redis => redis.lrange(keysOf(jobId).events, after, after + limit - 1))
      return found.map((data, index) => ({ id: after + index + 1, data }))
    },
    check,
    // The connection is that of the store.
    close: () => pause(0)
  }
}

/** Without what is counted apart. */
const plain = ({ found: _, verdicts: __, lastEventId: ___, ...record }: CountedJob): JobRecord => record
