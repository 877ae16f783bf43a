import type { Bucket, Paths } from './world.ts'

/** A path, or a folder that stands for all paths under it. */
export interface Listed {
  readonly path: string
  readonly isFolder: boolean
}

/** What a listing of a bucket asks for. */
export interface Listing {
  readonly prefix: string
  /** Stop paths after the next slash, as S3 does with a delimiter. */
  readonly byFolder: boolean
  readonly matches: (path: string) => boolean
  /** Go on behind this path or folder; empty: from the start. */
  readonly after: string
  readonly limit: number
}

/** A page in the order of UTF-8 bytes, and whether there is more behind it. */
export const pageOf = (bucket: Bucket, { prefix, byFolder, matches, after, limit }: Listing) => {
  const paths = sortedPaths(bucket)
  const page: Listed[] = []
  let last = after
  for (let i = firstAtLeast(paths, after || prefix); i < paths.length; i += 1) {
    const path = paths.at(i) ?? ''
    const entry = entryOf(path, prefix, byFolder)
    if (path === after || (entry.isFolder && entry.path === last)) continue
    if (!path.startsWith(prefix) || !matches(path)) continue
    if (page.length === limit) return { page, hasMore: true, last }
    page.push(entry)
    last = entry.path
  }
  return { page, hasMore: false, last }
}

const entryOf = (path: string, prefix: string, byFolder: boolean): Listed => {
  const slash = byFolder ? path.indexOf('/', prefix.length) : -1
  return slash < 0 ? { path, isFolder: false } : { path: path.slice(0, slash + 1), isFolder: true }
}

const sortedPaths = (bucket: Bucket): Paths => {
  bucket.sorted ??= [...bucket.files.keys()].sort(byBytes)
  return bucket.sorted
}

/** UTF-8 sorts as code points do; UTF-16 does not. */
const byBytes = (a: string, b: string): number => {
  const isPlain = !SURROGATE.test(a) && !SURROGATE.test(b)
  return isPlain ? (a < b ? -1 : Number(a > b)) : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
const SURROGATE = /[\ud800-\udfff]/

const firstAtLeast = (paths: Paths, wanted: string): number => {
  let low = 0
  let high = paths.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (byBytes(paths.at(middle) ?? '', wanted) < 0) low = middle + 1
    else high = middle
  }
  return low
}
