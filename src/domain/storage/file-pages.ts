import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Result } from '../../upstream/actions/action.ts'
import { getFiles, MAX_KEYS } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'

/** A file as HOSTKEY lists it. */
export type ListedFile = Result<typeof getFiles>['files'][number]

/** A page of a list: one of HOSTKEY's, or several joined. */
export interface ListedPage {
  files: ListedFile[]
  folders: string[]
  /** HOSTKEY's continuation token; undefined on the last page. */
  next: string | undefined
}

export interface RequestedFiles {
  s3uid: string
  bucket: string
  search: string | undefined
  /** Continuation token to start from; undefined for the start of the list. */
  from: string | undefined
  /** Files and folders at most. */
  limit: number
}

/** A page of HOSTKEY may be empty and still have a next one: calls for one page of ours, at most. */
const MAX_CALLS = 20

/** 10 s, the deadline of one read: no further page is read for one page of ours after this time. */
const MAX_JOINING_MS = 10_000

/** HOSTKEY repeats a folder on each page with a file of it; folders remembered, to list each once. */
const MAX_REMEMBERED_FOLDERS = 10_000

/**
 * Reads HOSTKEY's pages one by one, each when it is asked for, in constant memory. After 10,000 other folders a folder
 * may be listed again.
 * @throws Problem of get_files; upstream-bad-response when HOSTKEY's continuation tokens form a circle
 */
export async function* readPages(
  upstream: Upstream,
  requested: RequestedFiles,
  context: RequestContext
): AsyncGenerator<ListedPage, void, void> {
  const { s3uid, bucket, search } = requested
  const seen = new Set<string>()
  let { from, limit: remaining } = requested
  const isRepeated = createCircleCheck(from)
  while (remaining > 0) {
    const start = startOf(from)
    const answer = await upstream.call(
      getFiles,
      {
        s3uid,
        bucket_name: bucket,
        max_keys: Math.min(MAX_KEYS, remaining),
        ...(search !== undefined && { search }),
        ...(start.token !== undefined && { continuation_token: start.token })
      },
      context
    )
    const { files, folders: listed, next } = takeFrom(answer, start, remaining)
    const folders = [...new Set(listed.map(({ key }) => key))].filter(key => !seen.has(key))
    for (const key of folders) remember(seen, key)
    if (next !== undefined && isRepeated(next)) {
      throw new Problem('upstream-bad-response', 'HOSTKEY repeats a page of the list of files.')
    }
    remaining -= files.length + folders.length
    yield { files, folders, next }
    if (next === undefined) return
    from = next
  }
}

/** Where a page starts: a token of HOSTKEY, and the entries after it that were taken before. */
interface Start {
  token: string | undefined
  taken: number
}

/** A token of HOSTKEY, or `\n<taken>\n<token>` inside a page that was longer than asked for. */
const startOf = (from: string | undefined): Start => {
  const [, taken, token] = /^\n(\d{1,9})\n([\s\S]*)$/.exec(from ?? '') ?? []
  return taken === undefined ? { token: from, taken: 0 } : { token: token || undefined, taken: Number(taken) }
}

/** The entries of a reply, at most `limit`: HOSTKEY may send more than it was asked for. The rest begins the next page. */
const takeFrom = ({ files, folders = [], next_token }: Result<typeof getFiles>, start: Start, limit: number) => {
  // PHP prints 0 for what is absent too.
  const next = next_token === '0' ? undefined : next_token || undefined
  const left = files.length + folders.length - start.taken
  if (start.taken === 0 && left <= limit) return { files, folders, next }
  const end = start.taken + Math.min(limit, Math.max(0, left))
  return {
    files: files.slice(start.taken, end),
    folders: folders.slice(Math.max(0, start.taken - files.length), Math.max(0, end - files.length)),
    next: left > limit ? `\n${end}\n${start.token ?? ''}` : next
  }
}

/**
 * Detects a circle of continuation tokens with Brent's algorithm, in constant memory: one token is compared with those
 * after it, and replaced by a later one after 1, 2, 4, 8 … comparisons. Finds a circle within three times its length.
 */
const createCircleCheck = (first: string | undefined) => {
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

const remember = (seen: Set<string>, key: string): void => {
  seen.add(key)
  const oldest = seen.values().next()
  if (seen.size > MAX_REMEMBERED_FOLDERS && !oldest.done) seen.delete(oldest.value)
}

/** Joins HOSTKEY's pages until `limit` is reached, the list ends, or the bounds above are reached. @throws as readPages */
export const readJoinedPage = async (
  upstream: Upstream,
  requested: RequestedFiles,
  context: RequestContext
): Promise<ListedPage> => {
  const joined: ListedPage = { files: [], folders: [], next: undefined }
  const endsAt = performance.now() + MAX_JOINING_MS
  let calls = 0
  for await (const { files, folders, next } of readPages(upstream, requested, context)) {
    joined.files.push(...files)
    joined.folders.push(...folders)
    joined.next = next
    calls += 1
    if (calls === MAX_CALLS || performance.now() >= endsAt) break
  }
  return joined
}
