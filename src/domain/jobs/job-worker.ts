import type { Caller } from '../../core/caller.ts'
import { latestNow } from '../../core/clock.ts'
import { Problem } from '../../core/problem.ts'
import type { StoreFault } from '../../store/faults.ts'
import {
  type CountedJob,
  type ItemVerdict,
  JOB_KEPT_MS,
  type JobChange,
  type JobQueue,
  type JobRecord,
  type JobState,
  type JobStore,
  type RunJob
} from '../../store/jobs.ts'
import { NewerRecord } from '../../store/record-format.ts'
import { type JobEnd, toEvent, toJobEnd } from './job-models.ts'
import { type JobKind, kindOf } from './kind.ts'
import { jobProblemOf } from './reaction.ts'
import { runJob } from './run.ts'

/** Jobs of one customer that run at the same time; further ones wait. */
export const MAX_RUNNING = 2

/** A job that was paused for so long ends. */
const MAX_PAUSE_MS = JOB_KEPT_MS
/** 10 s: an end that the audit log does not have by then was lost by a crash. */
const RECORDING_MS = 10_000

/** A job while the credential of its caller is kept. */
export interface Credentials {
  keep(caller: Caller, jobId: string): Promise<string>
  open(sealed: string, job: JobRecord): Caller | undefined
  isAlive(caller: Caller): Promise<boolean>
}

export interface JobWorkerParts {
  kinds: readonly JobKind[]
  jobs: JobStore
  queue: JobQueue
  credentials: Credentials
  onVerdicts: (kind: string, verdicts: readonly ItemVerdict[]) => void
  /** Called when a job has ended or paused: at least once, also after a crash. */
  onEnd: (end: JobEnd) => void
  /** Called when a job waits for the replicas of a newer version. */
  onNewer: (fault: StoreFault) => void
}

/** Works on the jobs of the queue. */
export interface JobWorker {
  /** Ends or pauses a job; undefined when it is in none of these states. */
  finish(jobId: string, from: readonly JobState[], change: JobChange): Promise<CountedJob | undefined>
  /** Stops the work on a job at once; another replica sees within half a second that it is cancelled. */
  stop(jobId: string): void
  /** Begins to work. */
  start(): void
}

export const createJobWorker = (parts: JobWorkerParts): JobWorker => {
  const { kinds, jobs: store, queue, credentials, onVerdicts, onEnd, onNewer } = parts
  const eventOf = (job: CountedJob): string => toEvent(job, kindOf(kinds, job))
  const report = (job: CountedJob) => store.addEvent(job.jobId, eventOf(job))

  /** Ends or pauses a job. A crash before the audit log has it loses nothing: `tidy` finds what is not recorded. */
  const finish = async (jobId: string, from: readonly JobState[], change: JobChange) => {
    const finished = await store.change(jobId, from, change, { credential: null, event: eventOf })
    if (finished) await recordEnd(finished)
    return finished
  }
  const recordEnd = async (job: CountedJob) => {
    onEnd(toJobEnd(job, kindOf(kinds, job)))
    await store.markRecorded(job.jobId)
  }

  /** Records what a crash has left unrecorded, and ends what was paused for too long. */
  const tidy = async () => {
    const now = latestNow()
    for (const job of await store.listUnrecorded()) {
      const { endedAt, pausedAt = now } = job
      if ((endedAt ?? pausedAt) < now - RECORDING_MS) await recordEnd(job)
    }
    const ended = { state: 'partly-failed', endedAt: now, remaining: null } as const
    for (const { jobId, state, pausedAt = now } of await store.listOpen()) {
      if (state === 'paused' && pausedAt < now - MAX_PAUSE_MS) await finish(jobId, ['paused'], ended)
    }
  }

  /** Of the jobs that run on this replica; another one sees within half a second that a job is cancelled. */
  const cancels = new Map<string, AbortController>()
  const work = async (job: CountedJob, caller: Caller, stopped: AbortSignal) => {
    const cancel = new AbortController()
    cancels.set(job.jobId, cancel)
    const signals = { stopped, cancelled: cancel.signal }
    return runJob({ store, report, onVerdicts }, kindOf(kinds, job), job, caller, signals).finally(() =>
      cancels.delete(job.jobId)
    )
  }

  const run = async (jobId: string, stopped: AbortSignal): Promise<'done' | 'later'> => {
    const started = await store.start(jobId, MAX_RUNNING, latestNow())
    if (started === 'later' || started === undefined) return started ?? 'done'
    const { job, credential } = started
    const caller = credentials.open(credential, job)
    const result =
      caller === undefined
        ? { state: 'paused' as const, pausedAt: latestNow(), problem: jobProblemOf(noCredential()) }
        : await work(job, caller, stopped)
    if (result === undefined) return 'later'
    await finish(jobId, ['running'], result)
    return 'done'
  }

  return {
    finish,
    stop: jobId => cancels.get(jobId)?.abort(),
    start: () => {
      const runOrTell: RunJob = (jobId, stop) =>
        run(jobId, stop).catch(error => {
          if (error instanceof NewerRecord) onNewer(error.fault)
          throw error
        })
      queue.work(runOrTell, tidy)
    }
  }
}

const noCredential = () =>
  new Problem(
    'invalid-token',
    'The credential of the job cannot be opened: its service was removed or limited, or SESSION_SECRET was changed.'
  )
