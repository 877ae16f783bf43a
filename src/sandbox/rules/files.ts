import { deleteFile, getFiles, MAX_KEYS } from '../../upstream/actions/files.ts'
import { type Listed, type Listing, pageOf } from '../listing.ts'
import { invalidRequest, refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'
import { bucketOf, removeFile } from '../storage.ts'
import type { Bucket, CursorPosition, World } from '../world.ts'

/** So many cursors are remembered; the oldest goes first. */
const MAX_CURSORS = 10_000

export const get_files = accountRule(getFiles, ['s3uid', 'bucket_name'], (params, account, { world }) => {
  const { search = '', max_keys: maxKeys = MAX_KEYS, continuation_token: token } = params
  const bucket = bucketOf(world, account, params.bucket_name)
  if (maxKeys < 1) return invalidRequest(getFiles.name)
  if (!bucket) return refuse(getFiles, 'bucket-not-found')
  const position = token === undefined ? { bucket: bucket.name, search, after: '' } : positionOf(world, token)
  if (position?.bucket !== bucket.name || position.search !== search) return refuse(getFiles, 'invalid-cursor')
  const { page, hasMore, last } = pageOf(bucket, listingOf(world, search, position.after, Math.min(maxKeys, MAX_KEYS)))
  return {
    files: page.filter(entry => !entry.isFolder).map(({ path }) => printed(world, bucket, path)),
    folders: foldersOf(world, page).map(key => ({ key })),
    ...(hasMore ? { next_token: tokenOf(world, { ...position, after: last }) } : end(world))
  }
})

export const delete_file = accountRule(
  deleteFile,
  ['s3uid', 'bucket_name', 'filename'],
  ({ bucket_name, filename }, account, { world }) => {
    const bucket = bucketOf(world, account, bucket_name)
    if (!bucket) return refuse(deleteFile, 'bucket-not-found')
    if (!removeFile(bucket, filename)) return refuse(deleteFile, 'file-not-found')
    return { message: 'File deleted successfully' }
  }
)

/** What `search` means is not documented; both readings are assumed. */
const listingOf = ({ switches }: World, search: string, after: string, limit: number): Listing => {
  const always = () => true
  const needle = search.toLowerCase()
  if (search === '') return { prefix: '', byFolder: switches.listing === 'delimited', matches: always, after, limit }
  if (switches.searchMode === 'prefix') return { prefix: search, byFolder: true, matches: always, after, limit }
  return { prefix: '', byFolder: false, matches: path => path.toLowerCase().includes(needle), after, limit }
}

/** The folders of a page: those listed, or in a flat listing those of the files on it, as the vendor page shows. */
const foldersOf = ({ switches }: World, page: readonly Listed[]): string[] => {
  const listed = page.filter(entry => entry.isFolder).map(entry => entry.path)
  if (switches.listing === 'delimited') return listed
  const parents = page.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)).filter(folder => folder !== '')
  return [...new Set([...listed, ...parents])]
}

const printed = ({ switches }: World, bucket: Bucket, path: string) => {
  const file = bucket.files.get(path)
  return {
    key: switches.displayKey === 'basename' ? path.slice(path.lastIndexOf('/') + 1) : path,
    original_key: path,
    size: file?.size ?? 0,
    last_modified: file?.modifiedAt ?? ''
  }
}

/** base64 of `{"ContinuationToken":"…"}`, as the token on the vendor page decodes. */
const tokenOf = (world: World, position: CursorPosition): string => {
  const name = world.nameCursor(position)
  world.cursors.delete(name)
  world.cursors.set(name, position)
  const oldest = world.cursors.keys().next()
  if (world.cursors.size > MAX_CURSORS && !oldest.done) world.cursors.delete(oldest.value)
  return Buffer.from(JSON.stringify({ ContinuationToken: name })).toString('base64')
}

const positionOf = (world: World, token: string): CursorPosition | undefined => {
  const name = /^\{"ContinuationToken":"([^"]+)"\}$/.exec(Buffer.from(token, 'base64').toString())?.[1]
  return name === undefined ? undefined : world.cursors.get(name)
}

const end = ({ switches }: World): { next_token?: string | false | null } => {
  if (switches.nextTokenEnd === 'absent') return {}
  if (switches.nextTokenEnd === 'null') return { next_token: null }
  return { next_token: switches.nextTokenEnd === 'empty' ? '' : false }
}
