import { MAX_KEYS } from '../../upstream/actions/files.ts'
import type { HostkeyPage, ListedFile } from './file-pages.ts'

/**
 * What HOSTKEY does with `search` is not documented: it may match a part of the path or its beginning, with or without
 * regard to case, list flat or by folder, or be ignored. These functions find evidence of it in replies.
 */

/** Reads a page of one bucket. */
export type ReadPage = (search: string, token?: string, size?: number) => Promise<HostkeyPage>

/** Pages that are read to find a folder to try. */
const MAX_TRIED = 10

/** Is this a file in a folder whose path contains the text, and does not begin with it in any case? */
const isProof = ({ original_key: path }: ListedFile, text: string): boolean =>
  path.includes('/') && path.includes(text) && path.toLowerCase().indexOf(text.toLowerCase()) > 0

/**
 * Does a search for the text list every file whose path contains it, in whatever folder? Shown by a page of this search,
 * or by a search for a part of the path of a file in a folder.
 */
export const findsAnyPart = async (text: string, page: HostkeyPage, read: ReadPage): Promise<boolean> => {
  if (page.files.some(file => isProof(file, text))) return true
  const path = await findFileInFolder(read)
  // Without its first character: a search by beginnings does not find it.
  const part = [...(path ?? '')].slice(1).join('')
  if (path === undefined || path.toLowerCase().startsWith(part.toLowerCase())) return false
  return (await read(part)).files.some(file => file.original_key === path)
}

const findFileInFolder = async (read: ReadPage): Promise<string | undefined> => {
  const root = await read('')
  const listed = root.files.find(file => file.original_key.includes('/'))
  const [folder] = root.folders
  if (listed !== undefined || folder === undefined) return listed?.original_key
  return (await read(folder)).files.find(file => file.original_key.startsWith(folder))?.original_key
}

/**
 * A search for a folder, or for the beginning of a path in one, found nothing. Would it have found something? Shown by a
 * search for a folder that is not empty, or by a bucket without folders.
 */
export const opensFolders = async (read: ReadPage): Promise<boolean> => {
  let token: string | undefined
  for (let tried = 0; tried < MAX_TRIED; tried += 1) {
    const { files, folders, next } = await read('', token, MAX_KEYS)
    const path = folders[0] ?? files.find(file => file.original_key.includes('/'))?.original_key
    if (path !== undefined) return isOpened(path.slice(0, path.indexOf('/') + 1), read)
    if (next === undefined) return true
    token = next
  }
  return false
}

const isOpened = async (folder: string, read: ReadPage): Promise<boolean> => {
  const { files, folders } = await read(folder)
  return (
    files.some(file => file.original_key.startsWith(folder)) ||
    folders.some(each => each !== folder && each.startsWith(folder))
  )
}
