import type { FileDeletionResult, FileVerdict, Job, NewFileDeletion } from '../../../schemas/jobs.ts'
import { MAX_PATHS_AT_ONCE } from '../../../schemas/jobs.ts'
import type { ProblemName } from '../../../schemas/problems.ts'
import { note, type RequestContext } from '../../core/context.ts'
import { type Fault, isProblem, Problem } from '../../core/problem.ts'
import { getFiles } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import type { Files } from '../storage/files.ts'
import { assertReachesPath } from '../storage/reach.ts'
import type { fileDeletion } from './file-deletion.ts'
import { describeCounts } from './job-models.ts'
import type { Jobs } from './jobs.ts'
import { jobProblemOf } from './reaction.ts'
import { STEPS_AT_ONCE } from './steps.ts'

export interface RequestedDeletion {
  s3uid: string
  bucket: string
  body: NewFileDeletion
  idempotencyKey: string | undefined
  /** Does the caller prefer a job, also for few paths? */
  isAsync: boolean
}

/** Deletions of many files. */
export interface FileDeletions {
  /**
   * Deletes up to 100 named files at once; more, and those by prefix, with a job.
   * @throws Problem invalid-request, insufficient-scope, confirmation-mismatch, job-running, idempotency-key-reused; of get_files
   */
  create(
    context: RequestContext,
    requested: RequestedDeletion
  ): Promise<{ result: FileDeletionResult; job?: never } | { job: Job; result?: never }>
}

export interface FileDeletionParts {
  upstream: Upstream
  files: Pick<Files, 'delete'>
  jobs: Pick<Jobs, 'create'>
  kind: ReturnType<typeof fileDeletion>
}

export const createFileDeletions = ({ upstream, files, jobs, kind }: FileDeletionParts): FileDeletions => {
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
    const counts = { deleted: count('deleted'), missing: count('missing'), failed: count('failed') }
    note(context, { selection: kind.describe({ pathCount: paths.length }), counts: describeCounts(counts) })
    return { items: ordered, ...counts }
  }

  return {
    async create(context, requested) {
      const { s3uid, bucket, body, idempotencyKey, isAsync } = requested
      assertOneSelection(body)
      for (const path of body.paths ?? [body.prefix ?? '']) assertReachesPath(context.caller, path)
      if (body.paths === undefined && body.confirm !== bucket) {
        throw new Problem('confirmation-mismatch', 'The member `confirm` does not name the bucket.', {
          errors: [{ in: 'body', pointer: '/confirm', code: 'mismatch', detail: 'must be the name of the bucket' }]
        })
      }
      const isSmall = (body.paths?.length ?? Number.POSITIVE_INFINITY) <= MAX_PATHS_AT_ONCE
      if (isSmall && !isAsync && idempotencyKey === undefined) return { result: await deleteAtOnce(context, requested) }
      // An account or bucket that is wrong is reported now.
      const check = async () => {
        await upstream.call(getFiles, { s3uid, bucket_name: bucket, max_keys: 1 }, context).catch((error: unknown) => {
          if (!isProblem(error) || concernsAll(error)) throw error
        })
      }
      const keys = [...new Set(body.paths ?? [])]
      const selection = selectionOf(body, keys.length)
      return {
        job: await jobs.create(context, {
          kind: kind.name,
          s3uid,
          bucket,
          selection,
          keys,
          body,
          idempotencyKey,
          check
        })
      }
    }
  }
}

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

/** @throws Problem invalid-request */
const assertOneSelection = ({ paths, prefix, all }: NewFileDeletion): void => {
  if ([paths, prefix, all].filter(given => given !== undefined).length === 1) return
  const errors: Fault[] = [
    { in: 'body', pointer: '', code: 'one-of', detail: 'must hold exactly one of paths, prefix and all' }
  ]
  throw new Problem('invalid-request', 'The body must hold exactly one of paths, prefix and all.', { errors })
}

const selectionOf = ({ paths, prefix }: NewFileDeletion, pathCount: number): Job['selection'] => {
  if (paths !== undefined) return { pathCount }
  return prefix === undefined ? { all: true } : { prefix }
}
