import type { File, FileList } from '../../../schemas/files.ts'
import type { RequestContext } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { Problem } from '../../core/problem.ts'
import { toInstant } from '../../core/timestamps.ts'
import { deleteFile } from '../../upstream/actions/files.ts'
import type { Upstream } from '../../upstream/client.ts'
import { decodeCursor, encodeCursor, type ListScope } from './cursor.ts'
import { type ListedFile, type ListedPage, type RequestedFiles, readJoinedPage, readPages } from './file-pages.ts'
import type { StorageParts } from './storage-parts.ts'
import { deleteVerified } from './verified-deletion.ts'

/** Which list, and which part of it. */
export interface FileQuery extends ListScope {
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

/** The files of a bucket. */
export interface Files {
  /** One page. @throws Problem invalid-cursor; of get_files */
  list(context: RequestContext, query: FileQuery): Promise<FileList>
  /** Page after page up to `limit`, in constant memory, each read when it is asked for. @throws as `list`, at any page */
  stream(context: RequestContext, query: FileQuery): AsyncGenerator<FileList, void, void>
  /** @throws Problem file-path-encoding when the path is too long; file-not-found; of the action */
  delete(context: RequestContext, target: FileTarget): Promise<void>
}

/** The size of a page of HOSTKEY's. */
const DEFAULT_LIMIT = 100

/** S3's limit of a key, bytes of UTF-8; the schema counts characters. */
export const MAX_PATH_BYTES = 1024

export const createFiles = ({ upstream, recentWrites, links, verifyDelaysMs }: StorageParts): Files => ({
  async list(context, query) {
    const page = await readJoinedPage(upstream, toRequested(query, DEFAULT_LIMIT), context)
    return toFileList(page, query, links)
  },

  async *stream(context, query) {
    const requested = toRequested(query, Number.POSITIVE_INFINITY)
    for await (const page of readPages(upstream, requested, context)) yield toFileList(page, query, links)
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

const isFileGone = async (
  upstream: Upstream,
  { s3uid, bucket, path }: FileTarget,
  context: RequestContext
): Promise<boolean | undefined> => {
  // The path matches itself, whether HOSTKEY's `search` is a prefix or a substring.
  const requested = { s3uid, bucket, search: path, limit: 1000, from: undefined }
  const page = await readJoinedPage(upstream, requested, context)
  if (page.files.some(file => file.original_key === path)) return false
  // A folder stands for all files in it.
  if (page.folders.some(folder => path.startsWith(folder))) return undefined
  return page.next === undefined ? true : undefined
}

const toRequested = ({ cursor, limit, ...scope }: FileQuery, defaultLimit: number): RequestedFiles => ({
  ...scope,
  from: cursor === undefined ? undefined : decodeCursor(cursor, scope),
  limit: limit ?? defaultLimit
})

const toFileList = ({ files, folders, next }: ListedPage, scope: FileQuery, links: Links): FileList => {
  const address = links.files(scope.s3uid, scope.bucket)
  return {
    items: files.map(file => toFile(file, links.file(address, file.original_key))),
    folders: folders.map(path => ({ path })),
    nextCursor: next === undefined ? null : encodeCursor(next, scope)
  }
}

/** `path` is HOSTKEY's `original_key` and names the file in later calls; `key` may be shortened for display (assumed). */
const toFile = (theirs: ListedFile, self: string): File =>
  optionalMembers({
    path: theirs.original_key,
    name: theirs.key,
    sizeBytes: theirs.size,
    modifiedAt: toInstant(theirs.last_modified),
    links: { self }
  })
