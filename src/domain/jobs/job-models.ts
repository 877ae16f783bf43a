import type { FileVerdict, Job, JobProgress } from '../../../schemas/jobs.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { type CountedJob, isOpen, type JobEvent, type JobResult } from '../../store/jobs.ts'
import type { JobKind } from './kind.ts'

/** One event as readers get it. */
export interface ReportedEvent {
  readonly id: number
  readonly event: 'progress' | 'end'
  /** JSON. */
  readonly data: string
}

/** How a job ended, or why it paused, for the audit log. */
export interface JobEnd {
  event: JobKind['auditEvent']
  outcome: string
  customerId?: number
  s3uid: string
  target: string
  jobId: string
  selection: string
  /** `deleted 150, missing 1, failed 0` */
  counts: string
}

const instantOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

/** Items by verdict; 0 for a verdict of the kind that no item has. */
export const countsOf = ({ verdicts }: Pick<CountedJob, 'verdicts'>, kind: Pick<JobKind, 'verdicts'>) =>
  Object.fromEntries(kind.verdicts.map(verdict => [verdict, verdicts[verdict] ?? 0]))

export const describeCounts = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(', ')

const toProgress = (job: CountedJob, kind: JobKind): JobProgress =>
  optionalMembers({
    jobId: job.jobId,
    state: job.state,
    // The schema has the verdicts of each kind.
    counts: { found: job.found, ...countsOf(job, kind), remaining: job.remaining ?? null } as Job['counts'],
    problem: job.problem
  })

/** The kind of event, and its data. */
export const toEvent = (job: CountedJob, kind: JobKind): string =>
  `${isOpen(job) ? 'progress' : 'end'} ${JSON.stringify(toProgress(job, kind))}`

export const toReportedEvent = ({ id, data }: JobEvent): ReportedEvent => {
  const space = data.indexOf(' ')
  return { id, event: data.slice(0, space) === 'end' ? 'end' : 'progress', data: data.slice(space + 1) }
}

/** What is recorded is what the kind declares. */
export const toVerdict = ({ key, verdict, problem }: JobResult): FileVerdict =>
  optionalMembers({ path: key, outcome: verdict as FileVerdict['outcome'], problem })

export const toJob = (job: CountedJob, kind: JobKind, links: Links): Job => {
  const self = links.job(job.jobId)
  return optionalMembers({
    ...toProgress(job, kind),
    kind: kind.name as Job['kind'],
    s3uid: job.s3uid,
    bucket: job.bucket,
    selection: job.selection as Job['selection'],
    createdAt: new Date(job.createdAt).toISOString(),
    startedAt: instantOf(job.startedAt),
    endedAt: instantOf(job.endedAt),
    links: { self, results: `${self}/results`, events: `${self}/events` }
  })
}

export const toJobEnd = (job: CountedJob, kind: JobKind): JobEnd => ({
  event: kind.auditEvent,
  outcome: job.problem?.name ?? job.state,
  ...(/^\d+$/.test(job.tenant) && { customerId: Number(job.tenant) }),
  s3uid: job.s3uid,
  target: job.bucket,
  jobId: job.jobId,
  selection: kind.describe(job.selection),
  counts: describeCounts(countsOf(job, kind))
})
