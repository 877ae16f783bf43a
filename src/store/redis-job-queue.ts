import { setTimeout as pause } from 'node:timers/promises'
import { DelayedError, type Job, Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { JOB_LEASE_MS, JOB_RETRY_MS, JOBS_AT_ONCE, type JobQueue, type JobStore } from './jobs.ts'
import { clientOptionsOf, type RedisConnection } from './redis-options.ts'

const NAME = 'jobs'
/** BullMQ puts it before the names of its keys, which the client must not do. */
const PREFIX = 'hks3:queue'

/** How often jobs that no queue has are added: those of a replica that ended between two commands. */
const RECOVER_MS = 5000

/** A job is recovered as often as its replicas end. */
const MAX_STALLED = 1_000_000

export interface JobQueueOptions {
  jobs: Pick<JobStore, 'listOpen'>
  leaseMs?: number
}

/**
 * The queue of all replicas, by BullMQ: a lock for each job, renewed while its replica lives; a job whose lock has run out
 * is taken over by another replica.
 */
export const createRedisJobQueue = (
  connection: RedisConnection,
  { jobs, leaseMs = JOB_LEASE_MS }: JobQueueOptions
): JobQueue => {
  const connect = () => {
    const redis = new Redis({
      ...clientOptionsOf(connection),
      // BullMQ needs it for commands that wait.
      maxRetriesPerRequest: null,
      // BullMQ makes connections of its own from this one: none of them outlives the queue.
      retryStrategy: attempts => (stopping.signal.aborted ? null : Math.min(attempts * 100, 1000))
    })
    // The store, on the same Redis, reports what is wrong with it.
    redis.on('error', () => undefined)
    return redis
  }
  const stopping = new AbortController()
  const producer = connect()
  const queue = new Queue(NAME, { connection: producer, prefix: PREFIX, skipVersionCheck: true })
  queue.on('error', () => undefined)
  let consumer: Redis | undefined
  let worker: Worker | undefined
  let recovery: NodeJS.Timeout | undefined
  let tidy: () => Promise<void> = async () => undefined
  const running = new Set<Promise<unknown>>()

  // A job that the queue has already is left as it is.
  const add = (jobId: string) => queue.add(NAME, {}, { jobId, removeOnComplete: true, removeOnFail: true })

  const recover = async () => {
    for (const { jobId, state } of await jobs.listOpen()) if (state !== 'paused') await add(jobId)
    await tidy()
  }
  const recoverLater = () => {
    recovery = setTimeout(() => {
      recover()
        .catch(() => undefined)
        .finally(() => {
          if (!stopping.signal.aborted) recoverLater()
        })
    }, RECOVER_MS).unref()
  }

  return {
    async add(jobId) {
      // When Redis does not answer now, the recovery adds it.
      await Promise.race([add(jobId), new Promise(resolve => setTimeout(resolve, connection.timeoutMs).unref())])
    },
    work(run, tidyJobs) {
      tidy = tidyJobs
      consumer = connect()
      worker = new Worker(
        NAME,
        async (job: Job, token?: string) => {
          const ran = run(job.id ?? '', stopping.signal).catch((): 'later' => 'later')
          running.add(ran)
          const result = await ran.finally(() => running.delete(ran))
          if (result === 'done') return
          await job.moveToDelayed(Date.now() + (stopping.signal.aborted ? 0 : JOB_RETRY_MS), token)
          throw new DelayedError()
        },
        {
          connection: consumer,
          prefix: PREFIX,
          concurrency: JOBS_AT_ONCE,
          lockDuration: leaseMs,
          stalledInterval: leaseMs / 2,
          maxStalledCount: MAX_STALLED,
          skipVersionCheck: true
        }
      )
      worker.on('error', () => undefined)
      recoverLater()
    },
    async close() {
      stopping.abort()
      clearTimeout(recovery)
      const paused = worker?.pause().catch(() => undefined)
      // The jobs of this replica stop and are handed back. Without one of its connections BullMQ would wait for ever: another
      // replica takes the jobs over when their locks have run out.
      await Promise.all(running)
      await Promise.race([paused, pause(connection.timeoutMs)])
      await worker?.close(true).catch(() => undefined)
      await queue.close().catch(() => undefined)
      consumer?.disconnect()
      producer.disconnect()
    }
  }
}
