import { type Static, Type } from 'typebox'
import { describe, model, oneOf, ref } from './model.ts'
import { FailureReason } from './problems.ts'
import {
  BucketName,
  FilePath,
  IdempotencyKey,
  Instant,
  ListedPath,
  OwnText,
  S3Uid,
  Uuid,
  WholeNumber
} from './scalars.ts'

/** Paths of one request at most. */
export const MAX_PATHS = 1000

/** Paths that are deleted while the caller waits. */
export const MAX_PATHS_AT_ONCE = 100

const Confirm = describe(BucketName, 'Name of the bucket, exactly as in the URL.')

/** Exactly one of `paths`, `prefix` and `all`; the last two with `confirm`. */
export type NewFileDeletion = Static<typeof NewFileDeletion>
export const NewFileDeletion = model(
  'NewFileDeletion',
  'Which files to delete: exactly one of `paths`, `prefix` and `all`. `prefix` and `all` need `confirm`.',
  {
    paths: Type.Optional(
      Type.Array(FilePath, { minItems: 1, maxItems: MAX_PATHS, description: 'These files, each exactly as listed.' })
    ),
    prefix: Type.Optional(
      describe(FilePath, 'Every file whose path begins with this text, byte by byte. A folder ends with `/`.')
    ),
    all: Type.Optional(Type.Literal(true, { description: 'Every file of the bucket.' })),
    confirm: Type.Optional(Confirm)
  }
)

/** What a deletion of files works on. Named paths are counted, and listed with the results. */
export type FileSelection = Static<typeof FileSelection>
export const FileSelection = Type.Union(
  [
    Type.Object(
      { pathCount: Type.Integer({ minimum: 1, maximum: MAX_PATHS, description: 'Number of named paths.' }) },
      { additionalProperties: false }
    ),
    Type.Object({ prefix: describe(FilePath, 'Beginning of the paths.') }, { additionalProperties: false }),
    Type.Object(
      { all: Type.Literal(true, { description: 'Every file of the bucket.' }) },
      { additionalProperties: false }
    )
  ],
  { description: 'What the job works on.' }
)

const Verdict = oneOf(['deleted', 'missing', 'failed'], {
  description:
    '`deleted`: this job, or this request, has deleted the file. `missing`: there was no such file. `failed`: see `problem`; the file may still be there.'
})

export type FileVerdict = Static<typeof FileVerdict>
export const FileVerdict = model('FileVerdict', 'What became of one file.', {
  path: ListedPath,
  outcome: Verdict,
  problem: Type.Optional(ref(FailureReason))
})

const Count = (description: string) => describe(WholeNumber, description)

const outcomeCounts = {
  deleted: Count('Files that were deleted.'),
  missing: Count('Named paths without a file.'),
  failed: Count('Files that could not be deleted.')
}

export type FileDeletionResult = Static<typeof FileDeletionResult>
export const FileDeletionResult = model(
  'FileDeletionResult',
  'What became of each named file, in the order of the request.',
  {
    items: Type.Array(ref(FileVerdict), { maxItems: MAX_PATHS, description: 'One entry for each path.' }),
    ...outcomeCounts
  }
)

/** Id of a job. */
export const JobId = describe(Uuid, 'Id of a job.')

export const JobState = oneOf(['queued', 'running', 'paused', 'succeeded', 'partly-failed', 'cancelled'], {
  description:
    '`queued`: it has not begun. `running`: it works, or waits for HOSTKEY. `paused`: its credential ended; resume it within 7 days. `succeeded`: nothing failed and nothing is left. `partly-failed`: see `counts` and `problem`. `cancelled`: it was cancelled.'
})

export const JobCounts = model('JobCounts', 'What a job has done so far.', {
  found: Count('Files found so far.'),
  ...outcomeCounts,
  remaining: Type.Union([Count('Files left.'), Type.Null()], {
    description:
      'Files that are left at the end: they came meanwhile, or were not reached. null while the job has not ended, and when the list could not be read.'
  })
})

export type Job = Static<typeof Job>
export const Job = model('Job', 'Long work, and how far it is.', {
  jobId: JobId,
  kind: oneOf(['file-deletion'], { description: 'Kind of work.' }),
  state: JobState,
  s3uid: S3Uid,
  bucket: BucketName,
  selection: FileSelection,
  counts: ref(JobCounts),
  createdAt: describe(Instant, 'When it was asked for.'),
  startedAt: Type.Optional(describe(Instant, 'When it began.')),
  endedAt: Type.Optional(describe(Instant, 'When it ended. It is kept for 7 days from then on.')),
  problem: Type.Optional(ref(FailureReason)),
  links: Type.Object(
    {
      self: OwnText(2048, '^/\\S+$', 'This job.'),
      results: OwnText(2048, '^/\\S+$', 'What became of each file.'),
      events: OwnText(2048, '^/\\S+$', 'Progress as server-sent events.')
    },
    { additionalProperties: false, description: 'Addresses of related operations.' }
  )
})

export type JobProgress = Static<typeof JobProgress>
/** The data of an event. */
export const JobProgress = model(
  'JobProgress',
  'State and counts of a job: the data of the events `progress` and `end`.',
  {
    jobId: JobId,
    state: JobState,
    counts: ref(JobCounts),
    problem: Type.Optional(ref(FailureReason))
  },
  {
    examples: [
      {
        jobId: '9a1d4c52-7b0e-4f6a-9d35-1c2b3a4d5e6f',
        state: 'succeeded',
        counts: { found: 3, deleted: 3, missing: 0, failed: 0, remaining: 0 }
      }
    ]
  }
)

/** Named in the document: several lists have it. */
export const NextCursor = Type.Union([Type.String({ maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' }), Type.Null()], {
  description: 'Cursor of the next page; null on the last page.'
})

export type JobList = Static<typeof JobList>
export const JobList = model('JobList', 'A page of jobs, the newest first.', {
  items: Type.Array(ref(Job), { maxItems: 100, description: 'The jobs of this page.' }),
  nextCursor: NextCursor
})

export type JobResultList = Static<typeof JobResultList>
export const JobResultList = model('JobResultList', 'A page of results, in the order in which the files were found.', {
  items: Type.Array(ref(FileVerdict), { maxItems: 1000, description: 'The results of this page.' }),
  nextCursor: NextCursor
})

export type JobResultLine = Static<typeof JobResultLine>
export const JobResultLine = model(
  'JobResultLine',
  'One line of a list of results: a result, or the last line, which reports how the list ended.',
  {
    result: Type.Optional(ref(FileVerdict)),
    end: Type.Optional(
      Type.Object(
        { nextCursor: NextCursor },
        {
          additionalProperties: false,
          description:
            'The last line. `nextCursor` is null when the list is complete. Otherwise this replica is shutting down: continue with `nextCursor` as `cursor`.'
        }
      )
    )
  },
  { minProperties: 1, maxProperties: 1 }
)

export const JobPath = Type.Object({ jobId: JobId }, { additionalProperties: false })

const Cursor = Type.String({ minLength: 1, maxLength: 64, description: '`nextCursor` of the previous page.' })

export const JobsQuery = Type.Object(
  {
    state: Type.Optional(describe(JobState, 'Only jobs in this state.')),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Maximum number of jobs in the reply. Default: 20.' })
    ),
    cursor: Type.Optional(Cursor)
  },
  { additionalProperties: false }
)

export const JobResultsQuery = Type.Object(
  {
    outcome: Type.Optional(describe(Verdict, 'Only results with this outcome.')),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: 'Maximum number of results in the reply. Default: 100.'
      })
    ),
    cursor: Type.Optional(Cursor)
  },
  { additionalProperties: false }
)

export const JobResultStreamQuery = Type.Object(
  {
    outcome: Type.Optional(describe(Verdict, 'Only results with this outcome.')),
    cursor: Type.Optional(Cursor)
  },
  { additionalProperties: false }
)

export const FileDeletionHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    describe(
      IdempotencyKey,
      'The same key and the same body answer with the same job: 16 to 255 characters, such as a random UUID.'
    )
  ),
  prefer: Type.Optional(
    Type.String({
      maxLength: 256,
      pattern: '^[\\t\\x20-\\x7e]*$',
      description: '`respond-async`: the reply is 202 with a job, also for few paths (RFC 7240).'
    })
  )
})

export const JobEventHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({
      maxLength: 16,
      pattern: '^\\d*$',
      description: '`id` of the last event that was received: the stream goes on after it.'
    })
  )
})
