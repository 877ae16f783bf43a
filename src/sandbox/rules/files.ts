import { deleteFile, getFiles, MAX_KEYS } from '../../upstream/actions/files.ts'
import { type ListEntry, type ListQuery, pageOf } from '../listing.ts'
import { invalidRequest, refuse } from '../refusal.ts'
import { accountRule } from '../rule.ts'
import type { Bucket, CursorPosition, State } from '../state.ts'
import { bucketOf, removeFile } from '../storage.ts'

/** Number of cursors kept; the oldest is dropped first. */
const MAX_CURSORS = 10_000

export const get_files = accountRule(getFiles, ['s3uid', 'bucket_name'], (params, account, { state }) => {
  const { search = '', max_keys: maxKeys = MAX_KEYS, continuation_token: token } = params
  const bucket = bucketOf(state, account, params.bucket_name)
  if (maxKeys < 1) return invalidRequest(getFiles.name)
  if (!bucket) return refuse(getFiles, 'bucket-not-found')
  const position = token === undefined ? { bucket: bucket.name, search, after: '' } : positionOf(state, token)
  if (position?.bucket !== bucket.name || position.search !== search) return refuse(getFiles, 'invalid-cursor')
  const { page, hasMore, last } = pageOf(bucket, queryOf(state, search, position.after, Math.min(maxKeys, MAX_KEYS)))
  return {
    files: page.filter(entry => !entry.isFolder).map(({ path }) => toFile(state, bucket, path)),
    folders: foldersOf(state, page).map(key => ({ key })),
    ...(hasMore ? { next_token: createCursor(state, { ...position, after: last }) } : endOfList(state))
  }
})

export const delete_file = accountRule(
  deleteFile,
  ['s3uid', 'bucket_name', 'filename'],
  ({ bucket_name, filename }, account, { state }) => {
    const bucket = bucketOf(state, account, bucket_name)
    if (!bucket) return refuse(deleteFile, 'bucket-not-found')
    if (!removeFile(bucket, filename)) return refuse(deleteFile, 'file-not-found')
    return { message: 'File deleted successfully' }
  }
)

/** The meaning of `search` is not documented; all are assumed. */
const queryOf = ({ behaviours }: State, search: string, after: string, limit: number): ListQuery => {
  const { searchMode, searchCase, searchListing, listing } = behaviours
  const all = { prefix: '', byFolder: listing === 'delimited', matches: () => true, after, limit }
  if (search === '' || searchMode === 'ignored') return all
  const asCompared = (text: string) => (searchCase === 'insensitive' ? text.toLowerCase() : text)
  const text = asCompared(search)
  const byFolder = searchListing === 'delimited'
  if (searchMode === 'prefix' && searchCase === 'sensitive') return { ...all, prefix: search, byFolder }
  // Grouped at the slash after the prefix; in any case there is no order to start at.
  if (searchMode === 'prefix') {
    return { ...all, byFolder, groupedFrom: search.length, matches: path => asCompared(path).startsWith(text) }
  }
  return { ...all, byFolder, matches: path => asCompared(path).includes(text) }
}

/** The folders of a page. In a flat listing also those of its files, as on the vendor page. */
const foldersOf = ({ behaviours }: State, page: readonly ListEntry[]): string[] => {
  const listed = page.filter(entry => entry.isFolder).map(entry => entry.path)
  if (behaviours.listing === 'delimited') return [...new Set(listed)]
  const parents = page.map(({ path }) => path.slice(0, path.lastIndexOf('/') + 1)).filter(folder => folder !== '')
  return [...new Set([...listed, ...parents])]
}

const toFile = ({ behaviours }: State, bucket: Bucket, path: string) => {
  const file = bucket.files.get(path)
  return {
    key: behaviours.displayKey === 'basename' ? path.slice(path.lastIndexOf('/') + 1) : path,
    original_key: path,
    size: file?.size ?? 0,
    last_modified: file?.modifiedAt ?? ''
  }
}

/** base64 of `{"ContinuationToken":"…"}`, as the token on the vendor page decodes. */
const createCursor = (state: State, position: CursorPosition): string => {
  const name = state.cursorNameOf(position)
  state.cursors.delete(name)
  state.cursors.set(name, position)
  const oldest = state.cursors.keys().next()
  if (state.cursors.size > MAX_CURSORS && !oldest.done) state.cursors.delete(oldest.value)
  return Buffer.from(JSON.stringify({ ContinuationToken: name })).toString('base64')
}

const positionOf = (state: State, token: string): CursorPosition | undefined => {
  const name = /^\{"ContinuationToken":"([^"]+)"\}$/.exec(Buffer.from(token, 'base64').toString())?.[1]
  return name === undefined ? undefined : state.cursors.get(name)
}

const endOfList = ({ behaviours }: State): { next_token?: string | false | null } => {
  if (behaviours.nextTokenEnd === 'absent') return {}
  if (behaviours.nextTokenEnd === 'null') return { next_token: null }
  return { next_token: behaviours.nextTokenEnd === 'empty' ? '' : false }
}
