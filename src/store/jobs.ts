import type { StoreFault } from './faults.ts'

export const jobStates = ['queued', 'running', 'paused', 'succeeded', 'partly-failed', 'cancelled'] as const

export type JobState = (typeof jobStates)[number]

/** The states in which a job has not ended. */
export const OPEN_STATES: readonly JobState[] = ['queued', 'running', 'paused']

/** Must a job in this state be recorded in the audit log? */
export const mustBeRecorded = (state: JobState): boolean => state !== 'queued' && state !== 'running'

export const isOpen = ({ state }: Pick<JobRecord, 'state'>): boolean => OPEN_STATES.includes(state)

/** Why a job, or one of its items, failed. */
export interface JobProblem {
  name: string
  status: number
  detail: string
}

/** A job without its items. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly jobId: string
  readonly kind: string
  /** The customer. */
  readonly tenant: string
  /** What at most one open job works on. */
  readonly target: string
  readonly s3uid: string
  readonly bucket: string
  /** As the kind declares it. */
  readonly selection: object
  /** Id of the caller; older versions did not record it. */
  readonly madeBy?: string
  /** Of the caller's Idempotency-Key, and of the request that it was sent with. */
  readonly keyHash?: string
  readonly fingerprint?: string
  readonly createdAt: number
  state: JobState
  startedAt?: number
  pausedAt?: number
  endedAt?: number
  /** Nothing new is sent. */
  isCancelled?: boolean
  /** Every item was found. */
  isListed?: boolean
  /** Items that were left, or came meanwhile; null when the list could not be read. */
  remaining?: number | null
  problem?: JobProblem
}

/** A record with what was counted. */
export interface CountedJob extends JobRecord {
  found: number
  /** Items by verdict. */
  verdicts: Readonly<Record<string, number>>
  /** Of its last event; 0 before the first. */
  lastEventId: number
}

/** One item to work on. */
export interface JobItem {
  readonly seq: number
  readonly key: string
  /** Was it recorded as about to be sent before? */
  readonly wasSent: boolean
}

export interface ItemVerdict {
  readonly seq: number
  readonly verdict: string
  readonly problem?: JobProblem
}

export interface JobResult extends ItemVerdict {
  readonly key: string
}

/** An event of a job: ids are 1, 2, 3 … without a gap. */
export interface JobEvent {
  readonly id: number
  readonly data: string
}

export type Created =
  | { created: true }
  /** Another job works on the target. */
  | { running: string }
  /** The Idempotency-Key belongs to this job. */
  | { known: CountedJob }

/** Of the jobs that have not ended. */
export interface JobStatistics {
  states: Partial<Record<JobState, number>>
  /** When the oldest queued job was created, milliseconds since 1970. */
  oldestQueuedAt: number | undefined
}

/** @param open the jobs that have not ended */
export const statisticsOf = (open: readonly JobRecord[]): JobStatistics => {
  const states: JobStatistics['states'] = {}
  let oldestQueuedAt: number | undefined
  for (const { state, createdAt } of open) {
    states[state] = (states[state] ?? 0) + 1
    if (state === 'queued') oldestQueuedAt = Math.min(createdAt, oldestQueuedAt ?? createdAt)
  }
  return { states, oldestQueuedAt }
}

/**
 * The jobs of all replicas, with their items, kept through a crash. A job that has ended is removed after
 * `JOB_KEPT_MS`. Every method but `check` rejects with StoreUnavailable when the store does not answer.
 */
export interface JobStore {
  /** Adds a queued job with the items that are known already. */
  create(record: JobRecord, credential: string, keys: readonly string[]): Promise<Created>
  get(jobId: string): Promise<CountedJob | undefined>
  /** The job that a customer has made with this key. */
  findByKey(tenant: string, keyHash: string): Promise<CountedJob | undefined>
  /** The jobs of a customer, the newest first. */
  list(tenant: string, query: JobQuery): Promise<JobPage>
  /** The jobs of all customers that have not ended, without those of a newer version of the gateway. */
  listOpen(): Promise<CountedJob[]>
  /** Some of the jobs that ended or paused, and that `markRecorded` was not called for since then. */
  listUnrecorded(): Promise<CountedJob[]>
  /** The audit log has the end of the job, or its pause. */
  markRecorded(jobId: string): Promise<void>
  /**
   * Changes a job that is in one of these states. Jobs that end lose their credential.
   * @returns undefined when the job is in none of them
   */
  change(
    jobId: string,
    from: readonly JobState[],
    change: JobChange,
    options?: JobChangeOptions
  ): Promise<CountedJob | undefined>
  /**
   * Makes a queued job run, unless `maxRunning` of the customer run; one that runs already goes on.
   * @returns `later` while too many run; undefined when the job does not run
   */
  start(
    jobId: string,
    maxRunning: number,
    now: number
  ): Promise<{ job: CountedJob; credential: string } | 'later' | undefined>
  /** Adds the items that the job does not have. @returns how many they are */
  addItems(jobId: string, keys: readonly string[]): Promise<number>
  /** The next items without a verdict after this position, now recorded as about to be sent. */
  takeItems(jobId: string, after: number, limit: number): Promise<JobItem[]>
  /** Items that were taken and not sent. */
  returnItems(jobId: string, seqs: readonly number[]): Promise<void>
  /** Records verdicts; the first one of an item stays. */
  settle(jobId: string, verdicts: readonly ItemVerdict[]): Promise<void>
  /** Gives every item without a verdict this one. */
  settleRest(jobId: string, verdict: string, problem: JobProblem): Promise<void>
  /** The verdicts of these items: undefined for one without a verdict; absent for an unknown one. */
  verdictsOf(jobId: string, keys: readonly string[]): Promise<Map<string, string | undefined>>
  /** Verdicts in the order in which the items were found. */
  results(jobId: string, query: { after: number; limit: number; verdict?: string }): Promise<JobResult[]>
  addEvent(jobId: string, data: string): Promise<void>
  events(jobId: string, query: { after: number; limit: number }): Promise<JobEvent[]>
  check(): Promise<StoreFault | undefined>
  close(): Promise<void>
}

export interface JobQuery {
  state?: JobState
  /** Only jobs of these accounts. */
  accounts?: readonly string[] | undefined
  /** Only jobs of this caller. */
  madeBy?: string | undefined
  /** Id of the last one of the page before. */
  before?: string
  limit: number
}

/** Undefined removes a member. */
export type JobChange = { [K in keyof JobRecord]?: JobRecord[K] | undefined }

export interface JobChangeOptions {
  /** A new credential; null removes it. */
  credential?: string | null
  /** Adds an event together with the change. */
  event?: (job: CountedJob) => string
}

export interface JobPage {
  jobs: CountedJob[]
  hasMore: boolean
}

/** Works on a job. @returns `later` when it must be called again, on this replica or another */
export type RunJob = (jobId: string, stop: AbortSignal) => Promise<'done' | 'later'>

/** Decides which replica works on which job. A job whose replica has ended is taken over. */
export interface JobQueue {
  /** Makes a queued job run soon. One whose replica ends before is found by the others. */
  add(jobId: string): Promise<void>
  /** Works on jobs from now on. @param tidy called from time to time; its failures are ignored */
  work(run: RunJob, tidy: () => Promise<void>): void
  /** Stops every job of this replica: another one takes it over. */
  close(): Promise<void>
}

/** 7 days: how long a job and its results are kept after its end. */
export const JOB_KEPT_MS = 7 * 24 * 3_600_000

/** 10 s: a replica that has not renewed its hold of a job for so long has ended. */
export const JOB_LEASE_MS = 10_000

/** Pause before a job that cannot run yet is tried again. */
export const JOB_RETRY_MS = 500

/** Jobs that one replica works on at the same time: more only share the same slots. */
export const JOBS_AT_ONCE = 16
