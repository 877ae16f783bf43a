import { getFiles, MAX_KEYS } from '../../src/upstream/actions/files.ts'
import type { Probe } from './index.ts'
import { listIn } from './reads.ts'

/** So many buckets are looked into for files, and so many pages are turned. */
const MOST_BUCKETS = 3
const MOST_PAGES = 5

type Payload = Readonly<Record<string, unknown>>

const pathsIn = (payload: Payload | undefined): string[] =>
  listIn(payload, 'files').flatMap(({ original_key: path }) => (typeof path === 'string' ? [path] : []))

/** Files: their shape, how the list ends, what `search` means. */
export const probeFiles = async (probe: Probe, s3uid: string, buckets: readonly string[]) => {
  const { report } = probe
  if (buckets.length === 0) return report.skip('s3/get_files', 'the account has no bucket')
  let end: string | undefined
  let filled: { bucket: string; payload: Payload } | undefined
  for (const bucket of buckets.slice(0, MOST_BUCKETS)) {
    const payload = await page(probe, { s3uid, bucket_name: bucket }, 'a page')
    end ??= payload && (await endOf(probe, { s3uid, bucket_name: bucket }, payload))
    if (payload && pathsIn(payload).length > 0) filled ??= { bucket, payload }
    if (end !== undefined && filled) break
  }
  report.fact('next_token at the end of a list', end ?? `no end within ${MOST_PAGES} pages`)
  if (!filled) return report.skip('s3/get_files search', 'no file in the buckets that were looked into')
  spellings(probe, filled.payload)
  await probeSearch(probe, { s3uid, bucket_name: filled.bucket }, pathsIn(filled.payload))
}

type Where = Readonly<{ s3uid: string; bucket_name: string }>

const page = async ({ ask, judge, report }: Probe, where: Where, what: string, more: Record<string, string> = {}) => {
  const payload = judge.success(getFiles, what, await ask(getFiles, { ...where, max_keys: MAX_KEYS, ...more }))
  for (const path of pathsIn(payload)) report.hide(path)
  return payload
}

const isToken = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Turns pages until the last. @returns how it says that it is the last */
const endOf = async (probe: Probe, where: Where, first: Payload): Promise<string | undefined> => {
  let payload: Payload | undefined = first
  for (let pages = 1; payload && pages <= MOST_PAGES; pages += 1) {
    const token: unknown = payload['next_token']
    if (!isToken(token)) return token === undefined ? 'absent' : JSON.stringify(token)
    if (pages < MOST_PAGES) payload = await page(probe, where, `page ${pages + 1}`, { continuation_token: token })
  }
  return undefined
}

const spellings = ({ report }: Probe, payload: Payload): void => {
  const files = listIn(payload, 'files')
  const same = files.filter(({ key, original_key: path }) => key === path).length
  report.fact('key and original_key', `the same in ${same} of ${files.length} files`)
  const nested = files.filter(({ original_key: path }) => String(path).includes('/')).length
  const folders = listIn(payload, 'folders').length
  report.fact(
    'is the list without search by folder',
    `${nested} of ${files.length} files have a slash in their path; ${folders} folders beside them`
  )
}

/** Looks for one file that is there by pieces of its path. */
const probeSearch = async (probe: Probe, where: Where, paths: readonly string[]) => {
  const { report } = probe
  const path = paths.find(path => /[a-z]{3}/i.test(path.slice(1))) ?? paths[0] ?? ''
  const inner = /[a-z]{3,}/i.exec(path.slice(1))?.[0] ?? path.slice(1)
  const finds = async (search: string, what: string) => {
    const payload = await page(probe, where, what, { search })
    return payload === undefined ? undefined : pathsIn(payload).includes(path)
  }
  if (inner === '') return report.skip('s3/get_files search', 'the paths are too short to tell')
  const byStart = await finds(
    path.slice(0, Math.max(1, Math.min(3, path.length - 1))),
    'search for the start of a path'
  )
  const byPart = await finds(inner, 'search for a part of a path')
  const otherCase = inner === inner.toUpperCase() ? inner.toLowerCase() : inner.toUpperCase()
  const byCase = otherCase === inner ? undefined : await finds(otherCase, 'search in the other case')
  const reading = byPart
    ? 'a part of the path'
    : byStart
      ? 'the start of the path'
      : 'neither a part nor the start of the path'
  const unseen = byStart === undefined || byPart === undefined
  report.fact(
    'search',
    unseen
      ? 'no answer to tell'
      : `${reading}; case ${byCase === undefined ? 'not told' : byCase ? 'does not matter' : 'matters, or it was not found'}`
  )
}
