import type { File, FileList, FolderSummary } from '../../../schemas/files.ts'
import type { RequestContext } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { Problem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import { deleteFile, MAX_KEYS } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { type ListedFile, readPage } from './file-pages.ts'
import { type FileSelection, type WalkPart, type WalkRequest, walkFiles } from './file-walk.ts'
import type { StorageParts } from './storage-parts.ts'
import { deleteVerified } from './verified-deletion.ts'

/** Which list, and which part of it. */
export interface FileQuery {
  s3uid: string
  bucket: string
  /** Ends with a slash; empty: the root. */
  folder: string
  isRecursive: boolean
  /** Only files whose path contains this after the folder, in whatever folder below; empty: no search. */
  search: string
  cursor: string | undefined
  /** Files and folders at most; undefined for a page of 100, or for all of a stream. */
  limit: number | undefined
}

/** A file in a bucket. */
export interface FileTarget {
  s3uid: string
  bucket: string
  path: string
}

/** A folder of a bucket. */
export interface FolderTarget {
  s3uid: string
  bucket: string
  folder: string
}

/** A part of a stream. */
export interface StreamPart extends Pick<FileList, 'items' | 'folders'> {
  /** How the list ends if it ends here. */
  end: () => Pick<FileList, 'nextCursor' | 'complete'>
}

/** The files of a bucket. */
export interface Files {
  /** One page. @throws Problem invalid-cursor; of get_files */
  list(context: RequestContext, query: FileQuery): Promise<FileList>
  /** Part after part up to `limit`, in constant memory, each read when it is asked for. @throws as `list`, at any part */
  stream(context: RequestContext, query: FileQuery): AsyncGenerator<StreamPart, void, void>
  /**
   * Every file whose path begins with the prefix, byte for byte, part after part, in constant memory. The prefix need not
   * end with a slash; empty: all files. `isComplete` of the last part says whether nothing is missing.
   * @param from `position` of an earlier part, to continue there
   * @throws Problem of get_files, at any part
   */
  walk(
    context: RequestContext,
    target: Pick<FileSelection, 's3uid' | 'bucket' | 'prefix'>,
    from?: WalkRequest['from']
  ): AsyncGenerator<WalkPart, void, void>
  /** Counts the files below a folder, for 10 s at most. @throws Problem of get_files */
  summarize(context: RequestContext, target: FolderTarget): Promise<FolderSummary>
  /** @throws Problem file-path-encoding when the path is too long; file-not-found; of the action */
  delete(context: RequestContext, target: FileTarget): Promise<void>
}

/** The size of a page of HOSTKEY's. */
const DEFAULT_LIMIT = 100

/** A page of HOSTKEY may hold nothing of the list: calls for one page of ours, about. */
const MAX_CALLS = 20

/** Calls that look for one file. */
const MAX_VERIFYING_CALLS = 10

/** 10 s, the deadline of one read: no further page is read for one page of ours, or for a summary, after this time. */
const MAX_READING_MS = 10_000

/** S3's limit of a key, bytes of UTF-8; the schema counts characters. */
export const MAX_PATH_BYTES = 1024

export const createFiles = ({ upstream, recentWrites, links, verifyDelaysMs }: StorageParts): Files => ({
  async list(context, query) {
    const request = toRequest(query, DEFAULT_LIMIT)
    const address = links.files(query.s3uid, query.bucket)
    const endsAt = performance.now() + MAX_READING_MS
    const page: FileList = { items: [], folders: [], nextCursor: null, complete: true }
    let part: WalkPart | undefined
    for await (part of walkFiles(upstream, request, context)) {
      for (const file of part.files) page.items.push(toFile(file, address, links))
      for (const path of part.folders) page.folders.push({ path })
      if (part.calls >= MAX_CALLS || performance.now() >= endsAt) break
    }
    return part ? Object.assign(page, toEnd(part, request)) : page
  },

  async *stream(context, query) {
    const request = toRequest(query, Number.POSITIVE_INFINITY)
    const address = links.files(query.s3uid, query.bucket)
    for await (const part of walkFiles(upstream, request, context)) {
      yield {
        items: part.files.map(file => toFile(file, address, links)),
        folders: part.folders.map(path => ({ path })),
        end: () => toEnd(part, request)
      }
    }
  },

  walk: (context, target, from) => walkFiles(upstream, { ...everythingIn(target), from }, context),

  async summarize(context, { folder, ...target }) {
    const endsAt = performance.now() + MAX_READING_MS
    const summary = { files: 0, storageBytes: 0, complete: true }
    let newestModifiedAt: string | undefined
    for await (const part of walkFiles(upstream, everythingIn({ ...target, prefix: folder }), context)) {
      for (const { size = 0, last_modified } of part.files) {
        summary.files += 1
        summary.storageBytes += size
        const modifiedAt = toInstant(last_modified)
        if (modifiedAt !== undefined && Date.parse(modifiedAt) > Date.parse(newestModifiedAt ?? '0000'))
          newestModifiedAt = modifiedAt
      }
      summary.complete = part.isComplete && part.position === undefined
      if (performance.now() >= endsAt) break
    }
    return { ...summary, newestModifiedAt: newestModifiedAt ?? null }
  },

  async delete(context, { s3uid, bucket, path }) {
    if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
      throw new Problem('file-path-encoding', `The file path is longer than ${MAX_PATH_BYTES} bytes.`)
    }
    const deletion = {
      send: () => upstream.call(deleteFile, { s3uid, bucket_name: bucket, filename: path }, context),
      isGone: (context: RequestContext) => isFileGone(upstream, { s3uid, bucket, path }, context),
      verifyDelaysMs
    }
    await recentWrites.runDeletion(context.caller, [s3uid, bucket, path], () => deleteVerified(deletion, context))
  }
})

/** A search for a path lists it, whether HOSTKEY's `search` matches beginnings or parts, or is ignored. */
const isFileGone = async (
  upstream: Upstream,
  { s3uid, bucket, path }: FileTarget,
  context: RequestContext
): Promise<boolean | undefined> => {
  let token: string | undefined
  for (let calls = 0; calls < MAX_VERIFYING_CALLS; calls += 1) {
    const page = await readPage(upstream, { s3uid, bucket, search: path, token, size: MAX_KEYS }, context)
    if (page.files.some(file => file.original_key === path)) return false
    // A folder stands for all files in it.
    if (page.folders.some(folder => path.startsWith(folder))) return undefined
    if (page.next === undefined) return true
    token = page.next
  }
  return undefined
}

/** The whole list below a prefix. */
const everythingIn = (target: Pick<FileSelection, 's3uid' | 'bucket' | 'prefix'>): WalkRequest => ({
  ...target,
  isRecursive: true,
  text: '',
  from: undefined,
  limit: Number.POSITIVE_INFINITY
})

const toRequest = (
  { s3uid, bucket, folder, isRecursive, search, cursor, limit }: FileQuery,
  defaultLimit: number
): WalkRequest => {
  const selection = { s3uid, bucket, prefix: folder, isRecursive: isRecursive || search !== '', text: search }
  return {
    ...selection,
    from: cursor === undefined ? undefined : decodeCursor(cursor, selection),
    limit: limit ?? defaultLimit
  }
}

/** How a list ends with this part. */
const toEnd = ({ position, isComplete }: WalkPart, selection: FileSelection) => ({
  nextCursor: position === undefined ? null : encodeCursor(position, selection),
  complete: isComplete && position === undefined
})

/** `path` is HOSTKEY's `original_key` and names the file in later calls; `key` may be shortened for display (assumed). */
const toFile = (theirs: ListedFile, address: string, links: Links): File =>
  optionalMembers({
    path: theirs.original_key,
    name: theirs.key,
    sizeBytes: theirs.size,
    modifiedAt: toInstant(theirs.last_modified),
    links: { self: links.file(address, theirs.original_key) }
  })
