import type { RequestContext } from '../../core/context.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { getFiles } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'

/** A file as HOSTKEY lists it. */
export type ListedFile = Result<typeof getFiles>['files'][number]

/** One page of HOSTKEY's, unfiltered. */
export interface HostkeyPage {
  files: ListedFile[]
  /** Each ends with a slash. */
  folders: string[]
  /** HOSTKEY's continuation token; undefined on the last page. */
  next: string | undefined
}

export interface PageRequest {
  s3uid: string
  bucket: string
  /** Empty: no search. */
  search: string
  /** Continuation token; undefined for the first page. */
  token: string | undefined
  /** Files and folders to ask for, at most 100. HOSTKEY may send more. */
  size: number
}

/** @throws Problem of get_files */
export const readPage = async (
  upstream: Upstream,
  { s3uid, bucket, search, token, size }: PageRequest,
  context: RequestContext
): Promise<HostkeyPage> => {
  const { files, folders, next_token } = await upstream.call(
    getFiles,
    {
      s3uid,
      bucket_name: bucket,
      max_keys: size,
      ...(search !== '' && { search }),
      ...(token !== undefined && { continuation_token: token })
    },
    context
  )
  return {
    files,
    folders: (folders ?? []).map(({ key }) => (key.endsWith('/') ? key : `${key}/`)),
    // PHP prints 0 for what is absent too.
    next: next_token === '0' ? undefined : next_token || undefined
  }
}

/**
 * Detects a circle of continuation tokens with Brent's algorithm, in constant memory: one token is compared with those
 * after it, and replaced by a later one after 1, 2, 4, 8 … comparisons. Finds a circle within three times its length.
 */
export const createCircleCheck = (first: string | undefined) => {
  let kept = first
  let compared = 0
  let limit = 1
  return (token: string): boolean => {
    if (token === kept) return true
    compared += 1
    if (compared === limit) {
      kept = token
      compared = 0
      limit *= 2
    }
    return false
  }
}
