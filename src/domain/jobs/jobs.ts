import { createHash, randomUUID } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import type {
  FileDeletionResult,
  FileVerdict,
  Job,
  JobList,
  JobProgress,
  JobResultList,
  NewFileDeletion
} from '../../../schemas/jobs.ts'
import { MAX_PATHS_AT_ONCE } from '../../../schemas/jobs.ts'
import type { ProblemName } from '../../../schemas/problems.ts'
import type { Caller } from '../../core/caller.ts'
import { latestNow } from '../../core/clock.ts'
import { note, type RequestContext } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { type Fault, isProblem, Problem } from '../../core/problem.ts'
import type { StoreFault } from '../../store/faults.ts'
import {
  type CountedJob,
  type ItemVerdict,
  isOpen,
  type JobQueue,
  type JobRecord,
  type JobResult,
  type JobState,
  type JobStore
} from '../../store/jobs.ts'
import { NewerRecord } from '../../store/record-format.ts'
import { getFiles } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { tenantOf } from '../orders/order-key.ts'
import type { Files } from '../storage/files.ts'
import { createJobFeed } from './feed.ts'
import { fileDeletion } from './file-deletion.ts'
import type { JobKind } from './kind.ts'
import { jobProblemOf } from './reaction.ts'
import { runJob, STEPS_AT_ONCE } from './run.ts'

/** Jobs of one customer that run at the same time; further ones wait. */
export const MAX_RUNNING = 2

const DEFAULT_JOBS = 20
const DEFAULT_RESULTS = 100

/** A job while the credential of its caller is kept. */
export interface Credentials {
  keep(caller: Caller, jobId: string): Promise<string>
  open(sealed: string, job: { jobId: string; tenant: string }): Caller | undefined
}

export interface RequestedDeletion {
  s3uid: string
  bucket: string
  body: NewFileDeletion
  idempotencyKey: string | undefined
  /** Does the caller prefer a job, also for few paths? */
  isAsync: boolean
}

/** One event as readers get it. */
export interface ReportedEvent {
  readonly id: number
  readonly event: 'progress' | 'end'
  /** JSON. */
  readonly data: string
}

/** Long work, and its results. */
export interface Jobs {
  /**
   * Deletes up to 100 named files at once; more, and those by prefix, with a job.
   * @throws Problem invalid-request, confirmation-mismatch, job-running, idempotency-key-reused; of get_files
   */
  deleteFiles(
    context: RequestContext,
    requested: RequestedDeletion
  ): Promise<{ result: FileDeletionResult; job?: never } | { job: Job; isReplayed: boolean; result?: never }>
  /** @throws Problem job-not-found */
  get(context: RequestContext, jobId: string): Promise<Job>
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
   * The events of a job after this one; undefined, four times a second, while there are none. It ends with the job.
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

export interface JobParts {
  upstream: Upstream
  files: Files
  links: Links
  jobs: JobStore
  queue: JobQueue
  credentials: Credentials
  /** The accounts that the caller has ordered itself. */
  listOrderedBy: (caller: Caller) => Promise<ReadonlySet<string>>
  onVerdicts: (kind: string, verdicts: readonly ItemVerdict[]) => void
  /** Called when a job has ended or paused. */
  onEnd: (job: CountedJob) => void
  /** Called when a job waits for the replicas of a newer version. */
  onNewer: (fault: StoreFault) => void
}

export const createJobs = (parts: JobParts): Jobs => {
  const { upstream, files, links, jobs: store, queue, credentials, listOrderedBy, onVerdicts, onEnd, onNewer } = parts
  const deletion = fileDeletion(upstream, files)
  const kinds = new Map<string, JobKind>([[deletion.name, deletion as unknown as JobKind]])
  const feed = createJobFeed(store)

  const report = (job: CountedJob) => store.addEvent(job.jobId, toEvent(job))

  const run = async (jobId: string, stop: AbortSignal): Promise<'done' | 'later'> => {
    const started = await store.start(jobId, MAX_RUNNING, latestNow())
    if (started === 'later' || started === undefined) return started ?? 'done'
    const { job, credential } = started
    const kind = kinds.get(job.kind)
    if (kind === undefined) return 'later'
    const caller = credentials.open(credential, job)
    const result =
      caller === undefined
        ? { state: 'paused' as const, problem: jobProblemOf(noCredential()) }
        : await runJob({ store, report, onVerdicts }, kind, job, caller, stop)
    if (result === undefined) return 'later'
    const changed = await store.change(jobId, ['running'], result, { credential: null, event: toEvent })
    if (changed) onEnd(changed)
    return 'done'
  }

  /** @throws Problem job-not-found, also for the job of another customer */
  const find = async (context: RequestContext, jobId: string): Promise<CountedJob> => {
    const tenant = await tenantOf(context)
    // Before the job is known: the time does not tell one that the caller may not see from one that does not exist.
    const accounts = await accountsOf(context.caller)
    const job = await store.get(jobId)
    if (!job || job.tenant !== tenant || (accounts && !accounts.includes(job.s3uid))) {
      throw new Problem('job-not-found', 'The customer has no such job.')
    }
    return job
  }
  /** Whose jobs the caller may see; undefined: those of all accounts. */
  const accountsOf = async (caller: Caller) => caller.accounts && [...caller.accounts, ...(await listOrderedBy(caller))]

  const create = async (context: RequestContext, requested: RequestedDeletion) => {
    const { s3uid, bucket, body, idempotencyKey } = requested
    const { caller } = context
    const tenant = await tenantOf(context)
    const jobId = randomUUID()
    // An account, bucket or credential that is wrong is reported now.
    await upstream.call(getFiles, { s3uid, bucket_name: bucket, max_keys: 1 }, context).catch((error: unknown) => {
      if (!isProblem(error) || concernsAll(error)) throw error
    })
    const record: JobRecord = {
      jobId,
      kind: deletion.name,
      tenant,
      target: JSON.stringify([s3uid, bucket]),
      s3uid,
      bucket,
      selection: selectionOf(body),
      ...(idempotencyKey !== undefined && {
        keyHash: digest(`${idempotencyKey.replace(/^"|"$/g, '')} ${caller.authScheme === 'service' ? caller.id : ''}`),
        fingerprint: digest(stringify([s3uid, bucket, body]))
      }),
      createdAt: latestNow(),
      state: 'queued'
    }
    const created = await store.create(record, await credentials.keep(caller, jobId), [...new Set(body.paths ?? [])])
    if ('running' in created) {
      throw new Problem('job-running', 'Another job works on this bucket.', {
        links: { job: links.job(created.running) }
      })
    }
    if ('known' in created) {
      if (created.known.fingerprint !== record.fingerprint) {
        throw new Problem('idempotency-key-reused', 'The key belongs to another request.')
      }
      note(context, { isReplayed: true, jobId: created.known.jobId })
      return { job: created.known, isReplayed: true }
    }
    note(context, { jobId, selection: describeSelection(record) })
    await queue.add(jobId)
    const found = new Set(body.paths ?? []).size
    return { job: { ...record, found, verdicts: {}, lastEventId: 0 }, isReplayed: false }
  }

  /** Deletes named files while the caller waits. The first shows whether account, bucket and credential are right. */
  const deleteAtOnce = async (context: RequestContext, { s3uid, bucket, body }: RequestedDeletion) => {
    const paths = [...new Set(body.paths ?? [])]
    const items = new Map<string, FileVerdict>()
    const remove = async (path: string, isFirst: boolean) => {
      try {
        await files.delete(context, { s3uid, bucket, path })
        items.set(path, { path, outcome: 'deleted' })
      } catch (error) {
        if (!isProblem(error) || (isFirst && concernsAll(error))) throw error
        items.set(
          path,
          error.problem === 'file-not-found'
            ? { path, outcome: 'missing' }
            : { path, outcome: 'failed', problem: jobProblemOf(error) }
        )
      }
    }
    const [first, ...rest] = paths
    if (first !== undefined) await remove(first, true)
    const work = async () => {
      for (let path = rest.shift(); path !== undefined; path = rest.shift()) await remove(path, false)
    }
    await Promise.all(Array.from({ length: STEPS_AT_ONCE }, work))
    const ordered = paths.flatMap(path => items.get(path) ?? [])
    const count = (outcome: FileVerdict['outcome']) => ordered.filter(item => item.outcome === outcome).length
    const result = {
      items: ordered,
      deleted: count('deleted'),
      missing: count('missing'),
      failed: count('failed')
    }
    note(context, { selection: `${paths.length} paths`, counts: countsText(result) })
    return result
  }

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
    async deleteFiles(context, requested) {
      const { bucket, body, idempotencyKey, isAsync } = requested
      assertOneSelection(body)
      if (body.paths === undefined && body.confirm !== bucket) {
        throw new Problem('confirmation-mismatch', 'The member `confirm` does not name the bucket.', {
          errors: [{ in: 'body', pointer: '/confirm', code: 'mismatch', detail: 'must be the name of the bucket' }]
        })
      }
      const isSmall = (body.paths?.length ?? Number.POSITIVE_INFINITY) <= MAX_PATHS_AT_ONCE
      if (isSmall && !isAsync && idempotencyKey === undefined) return { result: await deleteAtOnce(context, requested) }
      const { job, isReplayed } = await create(context, requested)
      return { job: toJob(job, links), isReplayed }
    },

    get: async (context, jobId) => toJob(await find(context, jobId), links),

    async list(context, { state, cursor, limit = DEFAULT_JOBS }) {
      const { jobs, next } = await store.list(await tenantOf(context), {
        // The schema allows no other.
        ...(state !== undefined && { state: state as JobState }),
        ...(cursor !== undefined && { before: String(positionOf(cursor)) }),
        accounts: await accountsOf(context.caller),
        limit
      })
      return { items: jobs.map(job => toJob(job, links)), nextCursor: next === undefined ? null : cursorOf(next) }
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
      return readEvents(feed.watch(job, after))
    },

    async resume(context, jobId) {
      const job = await find(context, jobId)
      const credential = await credentials.keep(context.caller, jobId)
      const resumed = await store.change(jobId, ['paused'], { state: 'queued', problem: undefined }, { credential })
      if (!resumed) throw new Problem('job-not-resumable', `The job is ${job.state}, not paused.`)
      note(context, { jobId })
      await queue.add(jobId)
      return toJob(resumed, links)
    },

    async cancel(context, jobId) {
      const job = await find(context, jobId)
      note(context, { jobId })
      const isWaiting = { state: 'cancelled', isCancelled: true, endedAt: latestNow(), remaining: null } as const
      const ended = await store.change(jobId, ['queued', 'paused'], isWaiting, { credential: null, event: toEvent })
      if (ended) {
        onEnd(ended)
        return toJob(ended, links)
      }
      return toJob((await store.change(jobId, ['running'], { isCancelled: true })) ?? job, links)
    },

    start: () =>
      queue.work((jobId, stop) =>
        run(jobId, stop).catch(error => {
          if (error instanceof NewerRecord) onNewer(error.fault)
          throw error
        })
      )
  }
}

async function* readEvents(
  events: AsyncGenerator<{ id: number; data: string } | undefined, void, void>
): AsyncGenerator<ReportedEvent | undefined, void, void> {
  for await (const found of events) {
    if (found === undefined) yield undefined
    else {
      const space = found.data.indexOf(' ')
      const event = found.data.slice(0, space) === 'end' ? 'end' : 'progress'
      yield { id: found.id, event, data: found.data.slice(space + 1) }
      if (event === 'end') return
    }
  }
}

const noCredential = () =>
  new Problem(
    'invalid-token',
    'The credential of the job cannot be opened: its service was removed, or SESSION_SECRET was changed.'
  )

/** HOSTKEY's failures that concern every file: they are the answer to the whole request. */
export const CONCERN_ALL: ProblemName[] = [
  'account-not-found',
  'bucket-not-found',
  'forbidden',
  'upstream-unreachable',
  'upstream-bad-response',
  'upstream-timeout',
  'upstream-throttled'
]

const concernsAll = ({ problem, status }: Problem): boolean =>
  CONCERN_ALL.includes(problem) || status === 401 || status === 503

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** @throws Problem invalid-request */
const assertOneSelection = ({ paths, prefix, all }: NewFileDeletion): void => {
  if ([paths, prefix, all].filter(given => given !== undefined).length === 1) return
  const errors: Fault[] = [
    { in: 'body', pointer: '', code: 'one-of', detail: 'must hold exactly one of paths, prefix and all' }
  ]
  throw new Problem('invalid-request', 'The body must hold exactly one of paths, prefix and all.', { errors })
}

const selectionOf = ({ paths, prefix }: NewFileDeletion): Job['selection'] => {
  if (paths !== undefined) return { pathCount: new Set(paths).size }
  return prefix === undefined ? { all: true } : { prefix }
}

/** For the audit log. */
export const describeSelection = ({ selection }: JobRecord): string => {
  if ('pathCount' in selection) return `${selection.pathCount} paths`
  return 'prefix' in selection ? `prefix ${selection.prefix}` : 'all'
}

export const countsText = (counts: Readonly<Record<string, unknown>>): string =>
  ['deleted', 'missing', 'failed'].map(name => `${name} ${counts[name] ?? 0}`).join(', ')

const cursorOf = (position: string): string => Buffer.from(position).toString('base64url')

/** @throws Problem invalid-cursor */
const positionOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return 0
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (/^\d{1,15}$/.test(text) && cursorOf(text) === cursor) return Number(text)
  throw new Problem('invalid-cursor', 'The cursor does not belong to this list.', {
    errors: [{ in: 'query', parameter: 'cursor', code: 'mismatch', detail: 'is not a cursor of this list' }]
  })
}

const toVerdict = ({ key, verdict, problem }: JobResult): FileVerdict =>
  // The kind declares its verdicts.
  optionalMembers({ path: key, outcome: verdict as FileVerdict['outcome'], problem })

const instantOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

const toCounts = ({ found, verdicts, remaining = null }: CountedJob): Job['counts'] => ({
  found,
  deleted: verdicts['deleted'] ?? 0,
  missing: verdicts['missing'] ?? 0,
  failed: verdicts['failed'] ?? 0,
  remaining
})

/** The kind of event, and its data. */
const toEvent = (job: CountedJob): string => `${isOpen(job) ? 'progress' : 'end'} ${JSON.stringify(toProgress(job))}`

const toProgress = (job: CountedJob): JobProgress =>
  optionalMembers({ jobId: job.jobId, state: job.state, counts: toCounts(job), problem: job.problem })

const toJob = (job: CountedJob, links: Links): Job =>
  optionalMembers({
    jobId: job.jobId,
    kind: 'file-deletion' as const,
    state: job.state,
    s3uid: job.s3uid,
    bucket: job.bucket,
    // Only `selectionOf` makes it.
    selection: job.selection as Job['selection'],
    counts: toCounts(job),
    createdAt: new Date(job.createdAt).toISOString(),
    startedAt: instantOf(job.startedAt),
    endedAt: instantOf(job.endedAt),
    problem: job.problem,
    links: {
      self: links.job(job.jobId),
      results: `${links.job(job.jobId)}/results`,
      events: `${links.job(job.jobId)}/events`
    }
  })
