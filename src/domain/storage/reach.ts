import { type Caller, mayKnow } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { hasDotSegment } from './presigning.ts'

/** Characters of a prefix that a problem quotes. */
const MAX_QUOTED = 100

const tooFar = (detail: string) => new Problem('insufficient-scope', detail)

/** @throws Problem insufficient-scope when the caller is limited to other buckets */
export const assertReachesBucket = (caller: Caller, { s3uid, bucket }: { s3uid: string; bucket: string }): void => {
  if (!mayKnow(caller, s3uid, bucket)) throw tooFar('The credential is not for this bucket.')
}

/**
 * @param path of a file, or the beginning of paths; empty: of all
 * @throws Problem insufficient-scope when the caller is limited to other paths
 */
export const assertReachesPath = ({ pathPrefix }: Caller, path: string): void => {
  if (pathPrefix === undefined) return
  if (!path.startsWith(pathPrefix)) {
    throw tooFar(`The credential is for paths that begin with ${JSON.stringify(pathPrefix.slice(0, MAX_QUOTED))}.`)
  }
  // HOSTKEY may resolve them, and reach another folder.
  if (hasDotSegment(path)) throw tooFar('The credential is for paths without the segments `.` and `..`.')
}
