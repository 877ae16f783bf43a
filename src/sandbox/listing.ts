import type { Bucket, Paths } from './state.ts'

/** A file, or a folder in place of all files below it. */
export interface ListEntry {
  readonly path: string
  readonly isFolder: boolean
}

/** Which files of a bucket to list. */
export interface ListQuery {
  readonly prefix: string
  /** Group paths by folder at the next slash after the prefix, as S3 does with a delimiter. */
  readonly byFolder: boolean
  /** Number of characters after which a slash ends a folder; by default those of the prefix. */
  readonly groupedFrom?: number
  readonly matches: (path: string) => boolean
  /** List from after this path or folder; empty: from the start. */
  readonly after: string
  readonly limit: number
}

/** A page in UTF-8 byte order, whether more entries follow, and its last path or folder. */
export const pageOf = (bucket: Bucket, query: ListQuery) => {
  const { prefix, byFolder, groupedFrom = prefix.length, matches, after, limit } = query
  const paths = sortedPaths(bucket)
  const page: ListEntry[] = []
  let last = after
  for (let i = firstAtLeast(paths, after || prefix); i < paths.length; i += 1) {
    const path = paths.at(i) ?? ''
    const entry = entryOf(path, byFolder ? groupedFrom : undefined)
    if (!path.startsWith(prefix)) break
    if (path === after || (entry.isFolder && entry.path === last) || !matches(path)) continue
    if (page.length === limit) return { page, hasMore: true, last }
    page.push(entry)
    last = entry.path
  }
  return { page, hasMore: false, last }
}

const entryOf = (path: string, groupedFrom: number | undefined): ListEntry => {
  const slash = groupedFrom === undefined ? -1 : path.indexOf('/', groupedFrom)
  return slash < 0 ? { path, isFolder: false } : { path: path.slice(0, slash + 1), isFolder: true }
}

const sortedPaths = (bucket: Bucket): Paths => {
  bucket.sorted ??= [...bucket.files.keys()].sort(byBytes)
  return bucket.sorted
}

/** Orders by UTF-8 bytes. The order of UTF-16 code units differs only where there are surrogates. */
const byBytes = (a: string, b: string): number => {
  const isPlain = !SURROGATE.test(a) && !SURROGATE.test(b)
  return isPlain ? (a < b ? -1 : Number(a > b)) : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
const SURROGATE = /[\ud800-\udfff]/

const firstAtLeast = (paths: Paths, bound: string): number => {
  let low = 0
  let high = paths.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byBytes(paths.at(middle) ?? '', bound) < 0) low = middle + 1
    else high = middle
  }
  return low
}
