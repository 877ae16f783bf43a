import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { getFiles, MAX_KEYS } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { classOf } from '../../upstream/resilience/call-classes.ts'

type ListedFile = Result<typeof getFiles>['files'][number]

/** A page: HOSTKEY's, or ours of as many as it takes. */
export interface Page {
  files: ListedFile[]
  folders: string[]
  /** HOSTKEY's token for what follows; undefined at the end. */
  next: string | undefined
}

/** Which list, where to begin, and how many files and folders at most. */
export interface Wanted {
  s3uid: string
  bucket: string
  search: string | undefined
  from: string | undefined
  limit: number
}

/** A filtered page may be empty and still have a next one: so many are read for one of ours, then the caller goes on. */
const MAX_CALLS = 20

/** Nor is one begun after so long: all of them together must not take much longer than a single read may. */
const JOINING_MS = classOf.read.deadlineMs

/** So many folders are remembered, not to be listed again: HOSTKEY names those of the files on a page on each page. */
const MAX_REMEMBERED = 10_000

/**
 * HOSTKEY's pages one after the other, each asked for when it is wanted. What is kept meanwhile does not grow with the
 * list: a folder may come again after 10,000 others.
 * @throws Problem of get_files; upstream-bad-response when HOSTKEY sends the list round in a circle
 */
export async function* pagesOf(
  upstream: Upstream,
  wanted: Wanted,
  context: RequestContext
): AsyncGenerator<Page, void, void> {
  const { s3uid, bucket, search } = wanted
  const seen = new Set<string>()
  let { from, limit: missing } = wanted
  const comesAgain = createCircleCheck(from)
  while (missing > 0) {
    const answer = await upstream.call(
      getFiles,
      {
        s3uid,
        bucket_name: bucket,
        max_keys: Math.min(MAX_KEYS, missing),
        ...(search !== undefined && { search }),
        ...(from !== undefined && { continuation_token: from })
      },
      context
    )
    const folders = (answer.folders ?? []).map(({ key }) => key).filter(key => !seen.has(key))
    for (const key of folders) remember(seen, key)
    const next = answer.next_token || undefined
    if (next !== undefined && comesAgain(next)) {
      throw new Problem('upstream-bad-response', 'HOSTKEY says that a page of files follows one that it comes before.')
    }
    missing -= answer.files.length + folders.length
    yield { files: answer.files, folders: [...new Set(folders)], next }
    if (next === undefined) return
    from = next
  }
}

/**
 * Finds out that the tokens of a list go round in a circle: within three times its length where the whole list is one.
 * One token is compared with those after it, and given up for a later one after 1, 2, 4, 8 … of them (Brent's
 * algorithm): all tokens of a long list would be too many to keep.
 */
const createCircleCheck = (first: string | undefined) => {
  let kept = first
  let compared = 0
  let patience = 1
  return (token: string): boolean => {
    if (token === kept) return true
    compared += 1
    if (compared === patience) {
      kept = token
      compared = 0
      patience *= 2
    }
    return false
  }
}

const remember = (seen: Set<string>, key: string): void => {
  seen.add(key)
  const oldest = seen.values().next()
  if (seen.size > MAX_REMEMBERED && !oldest.done) seen.delete(oldest.value)
}

/**
 * Joins HOSTKEY's pages until `limit` files and folders are there, the list ends, or it has taken long enough.
 * @throws Problem of get_files
 */
export const listedFiles = async (upstream: Upstream, wanted: Wanted, context: RequestContext): Promise<Page> => {
  const joined: Page = { files: [], folders: [], next: undefined }
  const giveUpAt = performance.now() + JOINING_MS
  let calls = 0
  for await (const { files, folders, next } of pagesOf(upstream, wanted, context)) {
    joined.files.push(...files)
    joined.folders.push(...folders)
    joined.next = next
    calls += 1
    if (calls === MAX_CALLS || performance.now() >= giveUpAt) break
  }
  return joined
}
