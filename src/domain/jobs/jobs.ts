import { createHash, randomUUID } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type { FileVerdict, Job, JobList, JobResultList } from '../../../schemas/jobs.ts'
import { type Caller, isLimited } from '../../core/caller.ts'
import { latestNow } from '../../core/clock.ts'
import { note, type RequestContext } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { Problem } from '../../core/problem.ts'
import type { CountedJob, JobEvent, JobRecord, JobState } from '../../store/jobs.ts'
import { hasOwnKeys, tenantOf } from '../orders/order-key.ts'
import { createJobFeed } from './feed.ts'
import { type ReportedEvent, toJob, toReportedEvent, toVerdict } from './job-models.ts'
import { createJobWorker, type JobWorkerParts } from './job-worker.ts'
import { kindOf } from './kind.ts'
import { cursorOf, foreignCursor, positionOf } from './position-cursor.ts'

const JOB_ID = /^[0-9a-f-]{36}$/
const DEFAULT_JOBS = 20
const DEFAULT_RESULTS = 100

export interface NewJob {
  /** Name of the kind. */
  kind: string
  s3uid: string
  bucket: string
  /** As the kind declares it. */
  selection: object
  /** The items that the selection names. */
  keys: readonly string[]
  /** As it was sent: the same key with another body is refused. */
  body: object
  idempotencyKey: string | undefined
  /** Is what it works on there? Not asked for a repetition. @throws Problem */
  check: () => Promise<void>
}

/** Long work, and its results. */
export interface Jobs {
  /**
   * Makes a job; the same key and body answer with the same one.
   * @throws Problem job-running, idempotency-key-reused; of the check
   */
  create(context: RequestContext, requested: NewJob): Promise<Job>
  /** @throws Problem job-not-found */
  get(context: RequestContext, jobId: string): Promise<Job>
  /** @throws Problem invalid-cursor */
  list(
    context: RequestContext,
    query: { state?: string | undefined; cursor?: string | undefined; limit?: number | undefined }
  ): Promise<JobList>
  /** @throws Problem job-not-found, invalid-cursor */
  results(context: RequestContext, jobId: string, query: ResultQuery): Promise<JobResultList>
  /** Page after page, in constant memory. @throws as `results` */
  streamResults(
    context: RequestContext,
    jobId: string,
    query: ResultQuery
  ): Promise<AsyncGenerator<JobResultList, void, void>>
  /**
   * The events of a job after this one; undefined, four times a second, while there are none. It ends with the job, and
   * 5 s after the session or the token of the caller.
   * @throws Problem job-not-found
   */
  watch(
    context: RequestContext,
    jobId: string,
    after: number
  ): Promise<AsyncGenerator<ReportedEvent | undefined, void, void>>
  /** Goes on with this caller's credential. @throws Problem job-not-found, job-not-resumable */
  resume(context: RequestContext, jobId: string): Promise<Job>
  /** Sends nothing new. @throws Problem job-not-found */
  cancel(context: RequestContext, jobId: string): Promise<Job>
  /** Begins to work on jobs. */
  start(): void
}

export interface ResultQuery {
  outcome?: FileVerdict['outcome'] | undefined
  cursor?: string | undefined
  limit?: number | undefined
}

export interface JobParts extends JobWorkerParts {
  links: Links
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
}

export const createJobs = (parts: JobParts): Jobs => {
  const { kinds, links, jobs: store, queue, credentials, listOrderedBy } = parts
  const feed = createJobFeed(store)
  const worker = createJobWorker(parts)
  const show = (job: CountedJob): Job => toJob(job, kindOf(kinds, job), links)
  /** @returns undefined also for a job that the caller may not see */
  const findVisible = async (context: RequestContext, jobId: string): Promise<CountedJob | undefined> => {
    const tenant = await tenantOf(context)
    // Before the job is known: the time does not tell one that the caller may not see from one that does not exist.
    const accounts = await accountsOf(context.caller)
    const madeBy = makerOf(context.caller)
    const job = await store.get(jobId)
    const isVisible =
      job?.tenant === tenant &&
      (accounts === undefined || accounts.includes(job.s3uid)) &&
      (madeBy === undefined || madeBy === job.madeBy)
    return isVisible ? job : undefined
  }
  /** @throws Problem job-not-found */
  const find = async (context: RequestContext, jobId: string): Promise<CountedJob> => {
    const job = await findVisible(context, jobId)
    if (job === undefined) throw new Problem('job-not-found', 'The customer has no such job.')
    return job
  }
  /** Whose jobs the caller may see; undefined: those of all accounts. */
  const accountsOf = async (caller: Caller) => caller.accounts && [...caller.accounts, ...(await listOrderedBy(caller))]

  const pageOf = async (jobId: string, { outcome, cursor, limit = DEFAULT_RESULTS }: ResultQuery) => {
    const after = positionOf(cursor)
    const found = await store.results(jobId, { after, limit: limit + 1, ...(outcome && { verdict: outcome }) })
    const items = found.slice(0, limit)
    return {
      items: items.map(toVerdict),
      nextCursor: found.length > limit ? cursorOf(String(items.at(-1)?.seq)) : null
    }
  }

  return {
    async create(context, { kind, s3uid, bucket, selection, keys, body, idempotencyKey, check }) {
      const { caller } = context
      const jobId = randomUUID()
      const record: JobRecord = {
        jobId,
        kind,
        tenant: await tenantOf(context),
        target: JSON.stringify([s3uid, bucket]),
        s3uid,
        bucket,
        selection,
        madeBy: caller.id,
        ...(idempotencyKey !== undefined && {
          keyHash: digest(`${idempotencyKey.replace(/^"|"$/g, '')} ${hasOwnKeys(caller) ? caller.id : ''}`),
          fingerprint: digest(stringify([s3uid, bucket, body]))
        }),
        createdAt: latestNow(),
        state: 'queued'
      }
      const repeat = (known: CountedJob): Job => {
        if (known.fingerprint !== record.fingerprint) {
          throw new Problem('idempotency-key-reused', 'The key belongs to another request.')
        }
        note(context, { isReplayed: true, jobId: known.jobId })
        return show(known)
      }
      const known = record.keyHash && (await store.findByKey(record.tenant, record.keyHash))
      if (known) return repeat(known)
      await check()
      const created = await store.create(record, await credentials.keep(caller, jobId), keys)
      if ('running' in created) {
        const isVisible = (await findVisible(context, created.running)) !== undefined
        throw new Problem(
          'job-running',
          'Another job works on this bucket.',
          isVisible ? { links: { job: links.job(created.running) } } : {}
        )
      }
      if ('known' in created) return repeat(created.known)
      note(context, { jobId, selection: kindOf(kinds, record).describe(selection) })
      await queue.add(jobId)
      return show({ ...record, found: keys.length, verdicts: {}, lastEventId: 0 })
    },

    get: async (context, jobId) => show(await find(context, jobId)),

    async list(context, { state, cursor, limit = DEFAULT_JOBS }) {
      // A position would tell how many jobs of others lie between two of the caller's.
      if (cursor !== undefined && !(JOB_ID.test(cursor) && (await findVisible(context, cursor)))) throw foreignCursor()
      const { jobs, hasMore } = await store.list(await tenantOf(context), {
        // The schema allows no other.
        ...(state !== undefined && { state: state as JobState }),
        ...(cursor !== undefined && { before: cursor }),
        accounts: await accountsOf(context.caller),
        madeBy: makerOf(context.caller),
        limit
      })
      return { items: jobs.map(show), nextCursor: hasMore ? (jobs.at(-1)?.jobId ?? null) : null }
    },

    async results(context, jobId, query) {
      await find(context, jobId)
      return pageOf(jobId, query)
    },

    async streamResults(context, jobId, query) {
      await find(context, jobId)
      return readResults(query)

      async function* readResults({ outcome, cursor: first }: ResultQuery) {
        for (let cursor = first; ; ) {
          const page = await pageOf(jobId, { outcome, cursor, limit: 1000 })
          yield page
          if (page.nextCursor === null) return
          cursor = page.nextCursor
        }
      }
    },

    async watch(context, jobId, after) {
      const job = await find(context, jobId)
      // While the store is down there is no news.
      const isAlive = () => credentials.isAlive(context.caller).catch(() => true)
      return readEvents(feed.watch(job, after), isAlive)
    },

    async resume(context, jobId) {
      const job = await find(context, jobId)
      const credential = await credentials.keep(context.caller, jobId)
      const queued = { state: 'queued', problem: undefined, pausedAt: undefined } as const
      const resumed = await store.change(jobId, ['paused'], queued, { credential })
      if (!resumed) throw new Problem('job-not-resumable', `The job is ${job.state}, not paused.`)
      note(context, { jobId })
      await queue.add(jobId)
      return show(resumed)
    },

    async cancel(context, jobId) {
      const job = await find(context, jobId)
      note(context, { jobId })
      const cancelled = { state: 'cancelled', isCancelled: true, endedAt: latestNow(), remaining: null } as const
      const ended = await worker.finish(jobId, ['queued', 'paused'], cancelled)
      if (ended) return show(ended)
      const changed = await store.change(jobId, ['running'], { isCancelled: true })
      worker.stop(jobId)
      return show(changed ?? job)
    },

    start: worker.start
  }
}

/** Of whom a caller may see jobs; undefined: those of all callers of the customer. */
const makerOf = (caller: Caller): string | undefined => (isLimited(caller) ? caller.id : undefined)

/** 5 s: how often a caller that watches a job is checked again. */
export const CHECK_MS = 5000

async function* readEvents(
  events: AsyncGenerator<JobEvent | undefined, void, void>,
  isAlive: () => Promise<boolean>
): AsyncGenerator<ReportedEvent | undefined, void, void> {
  let checkedAt = performance.now()
  for await (const found of events) {
    if (performance.now() - checkedAt >= CHECK_MS) {
      if (!(await isAlive())) return
      checkedAt = performance.now()
    }
    const event = found && toReportedEvent(found)
    yield event
    if (event?.event === 'end') return
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')
