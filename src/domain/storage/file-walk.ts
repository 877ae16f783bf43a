import { after, afterFolder, byBytes } from '../../core/byte-order.ts'
import type { RequestContext } from '../../core/context.ts'
import { keepWithin } from '../../core/keep-within.ts'
import { Problem } from '../../core/problem.ts'
import { MAX_KEYS } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { createCircleCheck, type HostkeyPage, type ListedFile, readPage } from './file-pages.ts'
import { findsAnyPart, opensFolders } from './file-search.ts'

/** Which files of a bucket. */
export interface FileSelection {
  s3uid: string
  bucket: string
  /** Only files whose path begins with this, byte for byte: a folder, or any other text. */
  prefix: string
  /** True: every file below the prefix, and no folders. False: the files and folders directly inside. */
  isRecursive: boolean
  /** Only files whose path contains this after the prefix; empty: all. Needs `isRecursive`. */
  text: string
}

export interface WalkRequest extends FileSelection {
  /** Where to continue; undefined: at the start. */
  from: Position | undefined
  /** Files and folders at most. */
  limit: number
}

/** A part of the list: what one page of HOSTKEY's adds. */
export interface WalkPart {
  files: ListedFile[]
  folders: string[]
  /** Is nothing missing from the list so far? False where HOSTKEY shows a folder and not what is inside. */
  isComplete: boolean
  /** Where the list continues; undefined at its end. */
  position: Position | undefined
  /** Pages of HOSTKEY read so far. */
  calls: number
}

/** A folder whose list is being read, and where. */
export interface Mark {
  prefix: string
  token: string | undefined
  /** Paths before this one were listed, of the page at `token`; empty: none. */
  bound: string
}

/** Where a list continues. */
export interface Position {
  /** From the outermost folder to the one that is read. */
  marks: readonly Mark[]
  isComplete: boolean
  /** Does a search for a folder list what is inside? */
  canOpen: boolean
  /** Was anything of the innermost folder listed? */
  isShown: boolean
  /** Is the list that of a search for the text, which finds it in any folder? */
  isByText: boolean
  /** HOSTKEY may list it again on the next page; empty: none. */
  lastFolder: string
}

const START = { isComplete: true, canOpen: true, isShown: false, isByText: false, lastFolder: '' }

/** A folder that is being read. */
interface Level extends Mark {
  isRepeated: (token: string) => boolean
  /** Of a page with folders to open, or longer than the rest of the limit: what is still to be listed, in order. */
  rest: Entry[] | undefined
  /** Token of the page after `token`, once that page was read. */
  next: string | undefined
}

interface Entry {
  path: string
  /** Undefined: a folder. */
  file: ListedFile | undefined
}

/** HOSTKEY may list a folder on several pages; folders remembered, to list each once. */
const MAX_REMEMBERED_FOLDERS = 10_000

/**
 * Reads the files of a bucket one page of HOSTKEY's after another, each when it is asked for, in constant memory, and
 * lists what the selection says, whatever HOSTKEY does with `search`: it only narrows the list. Where a search does not
 * open a folder, the list says that it is not complete. The order within HOSTKEY's list is that of UTF-8 bytes (assumed);
 * only a list that continues inside a page depends on it.
 * @throws Problem of get_files; upstream-bad-response when HOSTKEY's continuation tokens form a circle
 */
export async function* walkFiles(
  upstream: Upstream,
  { from, limit, ...selection }: WalkRequest,
  context: RequestContext
): AsyncGenerator<WalkPart, void, void> {
  const { s3uid, bucket, prefix, isRecursive, text } = selection
  const levels: Level[] = (from?.marks ?? [{ prefix, token: undefined, bound: '' }]).map(toLevel)
  const state = { ...START, ...from }
  const unseen = createFolderMemory(state.lastFolder)
  let calls = 0
  let remaining = limit
  let isSelective = text !== ''

  const read = (search: string, token?: string, size = MAX_KEYS) => {
    calls += 1
    return readPage(upstream, { s3uid, bucket, search, token, size }, context)
  }

  /** The search that lists what is inside a level. */
  const searchOf = (level: Mark) => (state.isByText ? text : level.prefix)

  /** Reads the page at the level's token. */
  const load = async (level: Level, loaded?: HostkeyPage) => {
    const size = isSelective || level.bound !== '' ? MAX_KEYS : Math.min(MAX_KEYS, remaining)
    const page = loaded ?? (await read(searchOf(level), level.token, size))
    if (page.next !== undefined && level.isRepeated(page.next)) {
      throw new Problem('upstream-bad-response', 'HOSTKEY repeats a page of the list of files.')
    }
    level.next = page.next
    const selected = select(page, level, selection)
    isSelective ||= selected.files.length < page.files.length
    state.isShown ||= selected.isShown
    if (selected.isBlocked && !state.isByText) {
      state.isComplete = false
      state.canOpen = false
      level.next = undefined
    }
    return { files: selected.files, folders: state.isByText ? [] : unseen(selected.folders) }
  }

  /** Goes on to the level's next page, or back to the level around it. */
  const advance = async (level: Level) => {
    level.token = level.next
    level.bound = ''
    level.rest = undefined
    if (level.next !== undefined) return
    levels.pop()
    const isOpened = level.prefix !== prefix
    // A folder that was listed is not empty.
    if (!state.isShown && isOpened) state.isComplete = state.canOpen = false
    else if (!state.isShown && prefix.includes('/') && !state.isByText && state.canOpen) {
      state.isComplete = await opensFolders(read)
    }
    state.isShown = true
  }

  const open = (folder: string) => {
    if (!state.canOpen) {
      state.isComplete = false
      return
    }
    levels.push(toLevel({ prefix: folder, token: undefined, bound: '' }))
    state.isShown = false
  }

  const partOf = (files: ListedFile[], listed: string[]): WalkPart => ({
    files,
    folders: listed,
    isComplete: state.isComplete,
    position: levels.length === 0 ? undefined : { ...state, marks: levels.map(toMark) },
    calls
  })

  let first: HostkeyPage | undefined
  if (text !== '' && from === undefined) {
    first = await read(text)
    state.isByText = await findsAnyPart(text, first, read)
    if (!state.isByText) first = undefined
  }
  for (let level = levels.at(-1); level && remaining > 0; level = levels.at(-1)) {
    if (level.rest === undefined) {
      const page = await load(level, first)
      first = undefined
      const count = page.files.length + page.folders.length
      if (count <= remaining && !(isRecursive && page.folders.length > 0)) {
        remaining -= count
        state.lastFolder = page.folders.at(-1) ?? state.lastFolder
        await advance(level)
        yield partOf(page.files, page.folders)
        continue
      }
      level.rest = entriesOf(page.files, page.folders)
    }
    const files: ListedFile[] = []
    const listed: string[] = []
    let folder: string | undefined
    while (remaining > 0 && folder === undefined) {
      const entry = level.rest.shift()
      if (entry === undefined) break
      level.bound = entry.file ? after(entry.path) : afterFolder(entry.path)
      if (entry.file === undefined && isRecursive) folder = entry.path
      else {
        remaining -= 1
        if (entry.file) files.push(entry.file)
        else {
          listed.push(entry.path)
          state.lastFolder = entry.path
        }
      }
    }
    // Done with this level before the folder is opened: a deep tree needs no level for each of its folders.
    if (level.rest.length === 0) {
      state.isShown = true
      await advance(level)
    }
    if (folder !== undefined) open(folder)
    yield partOf(files, listed)
  }
}

const toLevel = (mark: Mark): Level => ({
  ...mark,
  isRepeated: createCircleCheck(mark.token),
  rest: undefined,
  next: undefined
})

const toMark = ({ prefix, token, bound }: Level): Mark => ({ prefix, token, bound })

const entriesOf = (files: readonly ListedFile[], folders: readonly string[]): Entry[] =>
  [
    ...files.map((file): Entry => ({ path: file.original_key, file })),
    ...folders.map((path): Entry => ({ path, file: undefined }))
  ].sort((a, b) => byBytes(a.path, b.path))

/** What a page holds of a level. */
const select = (page: HostkeyPage, { prefix, bound }: Mark, { isRecursive, text, prefix: base }: FileSelection) => {
  const files: ListedFile[] = []
  const folders: string[] = []
  let isShown = false
  let isFlat = false
  const isListed = (path: string) => bound !== '' && byBytes(path, bound) < 0
  for (const file of page.files) {
    const path = file.original_key
    if (!path.startsWith(prefix)) continue
    isShown = true
    const slash = path.indexOf('/', prefix.length)
    if (slash >= 0) isFlat = true
    if (isListed(path)) continue
    if (!isRecursive && slash >= 0) folders.push(path.slice(0, slash + 1))
    else if (text === '' || path.includes(text, base.length)) files.push(file)
  }
  for (const path of page.folders) {
    if (!path.startsWith(prefix) || path === prefix) continue
    isShown = true
    // A flat list holds the files of its folders too.
    if (isRecursive && isFlat) continue
    const folder = path.slice(0, path.indexOf('/', prefix.length) + 1)
    if (!isListed(folder)) folders.push(folder)
  }
  return { files, folders, isShown, isBlocked: isBlocked(page, prefix) }
}

/** Does the page show a folder around the prefix, or the prefix itself, in place of what is inside? */
const isBlocked = ({ files, folders }: HostkeyPage, prefix: string): boolean =>
  prefix !== '' &&
  folders.some(
    folder => prefix.startsWith(folder) && !files.some(({ original_key }) => original_key.startsWith(folder))
  )

/** Remembers folders: returns those that were not listed before. */
const createFolderMemory = (lastFolder: string) => {
  const seen = new Set(lastFolder === '' ? [] : [lastFolder])
  return (listed: readonly string[]): string[] => {
    if (listed.length === 0) return []
    const unseen = [...new Set(listed)].filter(folder => !seen.has(folder))
    for (const folder of unseen) seen.add(folder)
    keepWithin(seen, MAX_REMEMBERED_FOLDERS)
    return unseen
  }
}
