import { getFiles, MAX_KEYS } from '../../src/upstream/actions/files.ts'
import type { Probe } from './probe.ts'
import { listIn } from './reads.ts'

/** Number of buckets in which files are searched. */
const MAX_BUCKETS = 3
/** Number of pages read to find the last one. */
const MAX_PAGES = 5

type Payload = Readonly<Record<string, unknown>>

const pathsIn = (payload: Payload | undefined): string[] =>
  listIn(payload, 'files').flatMap(({ original_key: path }) => (typeof path === 'string' ? [path] : []))

/** Files: their shape, the end of a list, the meaning of `search`. */
export const probeFiles = async (probe: Probe, s3uid: string, buckets: readonly string[]) => {
  const { report } = probe
  if (buckets.length === 0) return report.skip('s3/get_files', 'the account has no bucket')
  let end: string | undefined
  let filled: { bucket: string; payload: Payload } | undefined
  for (const bucket of buckets.slice(0, MAX_BUCKETS)) {
    const payload = await readPage(probe, { s3uid, bucket_name: bucket }, 'a page')
    end ??= payload && (await endOf(probe, { s3uid, bucket_name: bucket }, payload))
    if (payload && pathsIn(payload).length > 0) filled ??= { bucket, payload }
    if (end !== undefined && filled) break
  }
  report.fact('next_token at the end of a list', end ?? `no end within ${MAX_PAGES} pages`)
  if (!filled) return report.skip('s3/get_files search', 'the checked buckets have no file')
  reportKeys(probe, filled.payload)
  await probeSearch(probe, { s3uid, bucket_name: filled.bucket }, pathsIn(filled.payload))
}

type BucketFields = Readonly<{ s3uid: string; bucket_name: string }>

const readPage = async (
  { call, checks, report }: Probe,
  fields: BucketFields,
  what: string,
  more: Record<string, string> = {}
) => {
  const payload = checks.success(getFiles, what, await call(getFiles, { ...fields, max_keys: MAX_KEYS, ...more }))
  for (const path of pathsIn(payload)) report.redact(path)
  return payload
}

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Reads pages up to the last. @returns its `next_token` as text; undefined when there are more than MAX_PAGES */
const endOf = async (probe: Probe, fields: BucketFields, first: Payload): Promise<string | undefined> => {
  let payload: Payload | undefined = first
  for (let pages = 1; payload && pages <= MAX_PAGES; pages += 1) {
    const token: unknown = payload['next_token']
    if (!isToken(token)) return token === undefined ? 'absent' : JSON.stringify(token)
    if (pages < MAX_PAGES) payload = await readPage(probe, fields, `page ${pages + 1}`, { continuation_token: token })
  }
  return undefined
}

const reportKeys = ({ report }: Probe, payload: Payload): void => {
  const files = listIn(payload, 'files')
  const equal = files.filter(({ key, original_key: path }) => key === path).length
  report.fact('key and original_key', `equal in ${equal} of ${files.length} files`)
  const nested = files.filter(({ original_key: path }) => String(path).includes('/')).length
  const folders = listIn(payload, 'folders').length
  report.fact(
    'is the list without search by folder',
    `${nested} of ${files.length} files have a slash in their path; ${folders} folders`
  )
}

/** Searches for an existing file by parts of its path. */
const probeSearch = async (probe: Probe, fields: BucketFields, paths: readonly string[]) => {
  const { report } = probe
  const path = paths.find(path => /[a-z]{3}/i.test(path.slice(1))) ?? paths[0] ?? ''
  const part = /[a-z]{3,}/i.exec(path.slice(1))?.[0] ?? path.slice(1)
  const finds = async (search: string, what: string) => {
    const payload = await readPage(probe, fields, what, { search })
    return payload === undefined ? undefined : pathsIn(payload).includes(path)
  }
  if (part === '') return report.skip('s3/get_files search', 'the paths are too short')
  const byStart = await finds(
    path.slice(0, Math.max(1, Math.min(3, path.length - 1))),
    'search for the start of a path'
  )
  const byPart = await finds(part, 'search for a part of a path')
  const otherCase = part === part.toUpperCase() ? part.toLowerCase() : part.toUpperCase()
  const byCase = otherCase === part ? undefined : await finds(otherCase, 'search in the other case')
  const matched = byPart
    ? 'a part of the path'
    : byStart
      ? 'the start of the path'
      : 'neither a part nor the start of the path'
  const caseSeen =
    byCase === undefined ? 'case unknown' : byCase ? 'case-insensitive' : 'case-sensitive, or the file was not found'
  const isUnknown = byStart === undefined || byPart === undefined
  report.fact('search', isUnknown ? 'unknown: a search failed' : `${matched}; ${caseSeen}`)
}
