import { type Caller, isLimited } from '../core/caller.ts'
import { Problem } from '../core/problem.ts'
import { assertReachesBucket, assertReachesPath } from '../domain/storage/reach.ts'
import type { RequestTexts } from './request-texts.ts'

type TextOf = (request: RequestTexts) => string | undefined

/**
 * What an operation reaches in the storage. It decides what a caller may do that is limited to some buckets, or to paths
 * with a prefix. An operation that declares nothing is refused to such a caller.
 */
export type Reach =
  /** Nothing: the caller itself, the plans, or jobs, of which the service shows only its own to a limited caller. */
  | { readonly of: 'nothing' }
  /** The buckets of an account; the service leaves out those of which the caller may not know. */
  | { readonly of: 'buckets' }
  /** A bucket as a whole. */
  | { readonly of: 'bucket' }
  /** Files of a bucket that the body selects: the service checks which. */
  | { readonly of: 'selection' }
  /** Files of a bucket: one path, or all paths below a folder. `isInBody`: known after the validation. */
  | { readonly of: 'files'; readonly pathOf: TextOf; readonly isInBody?: true }

export const NOTHING: Reach = { of: 'nothing' }
export const BUCKETS: Reach = { of: 'buckets' }
export const BUCKET: Reach = { of: 'bucket' }
export const SELECTION: Reach = { of: 'selection' }
/** The files below the folder in the query; without one, those of the whole bucket. */
export const FOLDER: Reach = { of: 'files', pathOf: ({ query: { folder } }) => folder ?? '' }
export const filesAt = (pathOf: TextOf): Reach => ({ of: 'files', pathOf })
export const fileInBody = (pathOf: TextOf): Reach => ({ of: 'files', pathOf, isInBody: true })

/** @throws Problem insufficient-scope when the request reaches more than the caller may */
export const assertWithin = (caller: Caller, reach: Reach | undefined, request: RequestTexts): void => {
  if (!isLimited(caller)) return
  if (reach === undefined) {
    throw new Problem('insufficient-scope', 'This operation reaches more than single buckets.')
  }
  if (reach.of === 'nothing' || reach.of === 'buckets') return
  const { s3uid = '', bucket = '' } = request.params
  assertReachesBucket(caller, { s3uid, bucket })
  if (reach.of === 'selection') return
  const path = reach.of === 'files' ? reach.pathOf(request) : ''
  // A request without a path, where one is required, is refused by the validation.
  if (path !== undefined) assertReachesPath(caller, path)
}
