import { randomUUID } from 'node:crypto'
import { latestNow } from '../core/clock.ts'
import { JOB_RETRY_MS, JOBS_AT_ONCE, type JobQueue, type RunJob } from './jobs.ts'
import type { Statements } from './sqlite-job-statements.ts'

const SWEEP_EVERY_MS = 60_000

/** How often a replica looks for jobs of others that have ended. Its own jobs begin at once. */
const POLL_MS = 500

/** Runs the work in one transaction. @throws StoreUnavailable */
export type Atomically = <T>(work: (statements: Statements) => T) => Promise<T>

/** Leases in a table: a job whose replica has ended, or has lost its lease, is taken over by another process. */
export const createSqliteJobQueue = (
  atomically: Atomically,
  sweep: () => Promise<boolean>,
  leaseMs: number
): JobQueue => {
  const owner = randomUUID()
  const stopping = new AbortController()
  const running = new Map<string, Promise<void>>()
  let run: RunJob | undefined
  let tidy: () => Promise<void> = async () => undefined
  let timer: NodeJS.Timeout | undefined
  let renewal: NodeJS.Timeout | undefined
  let sweepAt = 0

  const take = () =>
    atomically(({ due, lease }) => {
      const now = latestNow()
      // A lease that ends later than it could was written before the clock was set back.
      const ids = due.all(now, now, now + leaseMs, JOBS_AT_ONCE - running.size).map(row => String(row['job_id']))
      for (const id of ids) lease.run(now + leaseMs, owner, id)
      return ids
    })

  const work = async (jobId: string, runJob: RunJob): Promise<void> => {
    const startedAt = latestNow()
    const result = await runJob(jobId, stopping.signal).catch((): 'later' => 'later')
    // A job that was added again meanwhile, because it was resumed, stays.
    await atomically(({ postpone, dequeue }) => {
      const next = latestNow() + (stopping.signal.aborted ? 0 : JOB_RETRY_MS)
      if (result === 'later' || Number(dequeue.run(jobId, owner, startedAt).changes) === 0) {
        postpone.run(next, jobId, owner)
      }
    })
  }

  const look = async (): Promise<void> => {
    clearTimeout(timer)
    const runJob = run
    if (runJob === undefined || stopping.signal.aborted) return
    try {
      if (running.size < JOBS_AT_ONCE) {
        for (const jobId of await take()) {
          if (running.has(jobId)) continue
          const working = work(jobId, runJob)
            // The lease ends by itself.
            .catch(() => undefined)
            .finally(() => running.delete(jobId))
          running.set(jobId, working)
        }
      }
      if (latestNow() >= sweepAt) {
        const isMore = await sweep()
        if (!isMore) await tidy()
        sweepAt = latestNow() + (isMore ? 0 : SWEEP_EVERY_MS)
      }
    } catch {
      // The store is unavailable, and has reported it.
    }
    lookLater()
  }
  const lookLater = () => {
    clearTimeout(timer)
    if (!stopping.signal.aborted) timer = setTimeout(() => void look(), POLL_MS).unref()
  }

  return {
    // The transaction that made the job a queued one has put it into the queue.
    add: () => look(),
    work(runJob, tidyJobs) {
      run = runJob
      tidy = tidyJobs
      renewal = setInterval(() => {
        if (running.size > 0) atomically(({ renew }) => renew.run(latestNow() + leaseMs, owner)).catch(() => undefined)
      }, leaseMs / 4).unref()
      void look()
    },
    async close() {
      stopping.abort()
      clearTimeout(timer)
      await Promise.all(running.values())
      clearInterval(renewal)
    }
  }
}
