import type { Errand } from '../caller.ts'
import type { Result } from './action.ts'
import { getFiles, MAX_KEYS } from './actions/files.ts'
import type { Upstream } from './client.ts'

type ListedFile = Result<typeof getFiles>['files'][number]

/** A page of ours: as many pages of HOSTKEY's as it takes. */
export interface Page {
  files: ListedFile[]
  folders: string[]
  /** HOSTKEY's token for what follows; undefined at the end. */
  next: string | undefined
}

/** A filtered page may be empty and still have a next one: so many are read for one of ours, then the caller goes on. */
const MAX_CALLS = 20

/**
 * Joins HOSTKEY's pages until `limit` files and folders are there or the list ends.
 * @throws Problem of get_files
 */
export const listedFiles = async (
  upstream: Upstream,
  {
    s3uid,
    bucket,
    search,
    limit,
    from
  }: { s3uid: string; bucket: string; search: string | undefined; limit: number; from: string | undefined },
  errand: Errand
): Promise<Page> => {
  const files: ListedFile[] = []
  const folders = new Set<string>()
  let next = from
  for (let calls = 0; calls < MAX_CALLS; calls += 1) {
    const missing = limit - files.length - folders.size
    const answer = await upstream.call(
      getFiles,
      {
        s3uid,
        bucket_name: bucket,
        max_keys: Math.min(MAX_KEYS, missing),
        ...(search !== undefined && { search }),
        ...(next !== undefined && { continuation_token: next })
      },
      errand
    )
    files.push(...answer.files)
    for (const { key } of answer.folders ?? []) folders.add(key)
    next = answer.next_token || undefined
    if (next === undefined || files.length + folders.size >= limit) break
  }
  return { files, folders: [...folders], next }
}
