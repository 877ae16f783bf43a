import { FileSelection } from '../../../schemas/jobs.ts'
import type { Caller } from '../../core/caller.ts'
import type { RequestContext } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import { deleteFile } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { type Files, MAX_PATH_BYTES } from '../storage/files.ts'
import { assertReachesBucket, assertReachesPath } from '../storage/reach.ts'
import type { FoundItems, JobKind, JobTarget } from './kind.ts'

/** Deletes files: those that are named, those below a prefix, or all of a bucket. */
export const fileDeletion = (
  upstream: Upstream,
  files: Pick<Files, 'walk'>
): JobKind<typeof FileSelection, 'deleted' | 'missing' | 'failed'> => ({
  name: 'file-deletion',
  auditEvent: 'files.delete',
  selection: FileSelection,
  describe(selection) {
    if ('pathCount' in selection) return `${selection.pathCount} paths`
    return 'prefix' in selection ? `prefix ${selection.prefix}` : 'all'
  },
  verdicts: ['deleted', 'missing', 'failed'],
  failed: 'failed',
  list(target, selection) {
    if ('pathCount' in selection) return undefined
    const prefix = 'prefix' in selection ? selection.prefix : ''
    return context => {
      assertReaches(context.caller, target, prefix)
      return listFiles(files, { ...target, prefix }, context)
    }
  },
  async step({ s3uid, bucket }, { key, wasSent }, context) {
    // Also below a prefix that the caller reaches, a listed path may have dot segments.
    assertReaches(context.caller, { s3uid, bucket }, key)
    // Encoded, it would name another file.
    if (!key.isWellFormed() || key.includes('\0') || Buffer.byteLength(key) > MAX_PATH_BYTES) {
      throw new Problem('file-path-encoding', 'The path is not 1 to 1024 bytes of well-encoded UTF-8 without NUL.')
    }
    try {
      await upstream.call(deleteFile, { s3uid, bucket_name: bucket, filename: key }, context)
      return 'deleted'
    } catch (error) {
      if (!isProblem(error, 'file-not-found')) throw error
      // The deletion that was sent before has removed it.
      return wasSent ? 'deleted' : 'missing'
    }
  }
})

/** Once more than when the job was made: it may have been resumed with a credential that reaches less. */
const assertReaches = (caller: Caller, target: JobTarget, path: string): void => {
  assertReachesBucket(caller, target)
  assertReachesPath(caller, path)
}

async function* listFiles(
  files: Pick<Files, 'walk'>,
  selected: JobTarget & { prefix: string },
  context: RequestContext
): AsyncGenerator<FoundItems, void, void> {
  for await (const part of files.walk(context, selected)) {
    const items = part.files.map(file => ({ key: file.original_key, changedAt: timeOf(file.last_modified) }))
    yield { items, isPartial: !part.isComplete }
  }
}

const timeOf = (theirs: string | undefined): number | undefined => {
  const instant = toInstant(theirs)
  return instant === undefined ? undefined : Date.parse(instant)
}
