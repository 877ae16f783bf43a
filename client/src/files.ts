import type { components } from './generated/schema.ts'
import type { Messages } from './messages.ts'
import { parseNdjson } from './ndjson.ts'
import { problemIn } from './problem.ts'
import { type RetryOptions, withRetries } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type File = components['schemas']['File']
export type Folder = components['schemas']['Folder']
export type FileList = components['schemas']['FileList']
export type FolderSummary = components['schemas']['FolderSummary']

/** Which files of a bucket. */
export interface FileSelection {
  /** A folder, with the slash at its end. Default: the root of the bucket. */
  folder?: string | undefined
  /** True: every file below the folder. False, the default: the files and folders directly inside. */
  recursive?: boolean | undefined
  /** Only files below the folder whose path contains this text after the folder. Upper and lower case differ. */
  search?: string | undefined
}

export interface FilesOptions extends FileSelection, CallOptions {
  /** Maximum number of files and folders on a page, 1 to 1000. Default 100. */
  limit?: number | undefined
  /** Where to start: `nextCursor` of an earlier page of the same list. */
  cursor?: string | undefined
}

/** Options of a list that the client reads to its end. */
export type WholeListOptions = Omit<FilesOptions, 'recursive' | 'limit'>

/** Options of a stream, which has no pages. */
export type StreamOptions = Omit<FilesOptions, 'limit'>

/** One entry of a list: a file or a folder. */
export type FileEntry = { file: File; folder?: never } | { folder: Folder; file?: never }

/** A line of a stream. The last line reports how the list ended. */
type FileLine =
  | FileEntry
  | { end: { nextCursor: string | null; complete: boolean } }
  | { problem: components['schemas']['Problem'] }

/** The list has ended and something is missing from it. */
export class IncompleteList extends Error {
  override readonly name = 'incomplete-list'
}

const HIDDEN = 'HOSTKEY shows a folder, but not what is inside: the list is incomplete.'

export interface Reader {
  send: Send
  retry: RetryOptions
  /** Longest silence of a stream. */
  timeoutMs: number
  messages: Messages
}

const BUCKET = '/accounts/{s3uid}/buckets/{bucket}'

/** One page. */
const readPage = async (
  { send, retry }: Reader,
  s3uid: string,
  bucket: string,
  { signal, ...query }: FilesOptions
): Promise<FileList> => {
  const params = { path: { s3uid, bucket }, query }
  return withRetries(
    async () => (await send('get', `${BUCKET}/files`, { params, signal })).data as FileList,
    retry,
    signal
  )
}

/** The pages of a list in order. Each is requested when the consumer asks for it. */
export async function* filePages(
  reader: Reader,
  s3uid: string,
  bucket: string,
  options: FilesOptions
): AsyncGenerator<FileList, void> {
  let { cursor } = options
  do {
    const page = await readPage(reader, s3uid, bucket, { ...options, cursor })
    yield page
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

/** The pages of a list that is read to its end. @throws IncompleteList */
async function* wholeList(...[reader, s3uid, bucket, options]: Parameters<typeof filePages>) {
  let isComplete = true
  for await (const page of filePages(reader, s3uid, bucket, { ...options, limit: MAX_LIMIT })) {
    yield page
    isComplete = page.complete
  }
  if (!isComplete) throw new IncompleteList(HIDDEN)
}

/** Largest page of the gateway. */
const MAX_LIMIT = 1000

/** The folders and files directly inside a folder. @throws IncompleteList */
export async function* folder(...args: Parameters<typeof filePages>): AsyncGenerator<FileEntry, void> {
  for await (const { folders, items } of wholeList(...args)) {
    for (const folder of folders) yield { folder }
    for (const file of items) yield { file }
  }
}

/** Every file below a folder. @throws IncompleteList */
export async function* allFiles(
  ...[reader, s3uid, bucket, options]: Parameters<typeof filePages>
): AsyncGenerator<File, void> {
  for await (const { items } of wholeList(reader, s3uid, bucket, { ...options, recursive: true })) yield* items
}

/** A list for `useInfiniteQuery` of TanStack Query and for what works like it. */
export interface InfiniteFiles {
  queryKey: readonly ['files', string, string, FileSelection & { limit?: number | undefined }]
  queryFn: (page: { pageParam: string | undefined; signal?: AbortSignal }) => Promise<FileList>
  initialPageParam: string | undefined
  getNextPageParam: (page: FileList) => string | undefined
}

export const listFilesInfinite = (
  reader: Reader,
  s3uid: string,
  bucket: string,
  { cursor, signal: _, ...selection }: FilesOptions
): InfiniteFiles => ({
  queryKey: ['files', s3uid, bucket, selection],
  queryFn: ({ pageParam, signal }) => readPage(reader, s3uid, bucket, { ...selection, cursor: pageParam, signal }),
  initialPageParam: cursor,
  getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined
})

/** What is below a folder. */
export const summary = async (
  { send, retry }: Reader,
  s3uid: string,
  bucket: string,
  folder: string,
  { signal }: CallOptions
): Promise<FolderSummary> => {
  const params = { path: { s3uid, bucket }, query: { folder } }
  return withRetries(
    async () => (await send('get', `${BUCKET}/folders/summary`, { params, signal })).data as FolderSummary,
    retry,
    signal
  )
}

/** The entries of a list as they arrive. Continues at the cursor when a replica ends its stream early. */
export async function* streamFiles(
  { send, retry, timeoutMs, messages }: Reader,
  s3uid: string,
  bucket: string,
  { signal, ...options }: StreamOptions
): AsyncGenerator<FileEntry, void> {
  let { cursor } = options
  do {
    const params = { path: { s3uid, bucket }, query: { ...options, cursor } }
    // Only opening is retried: after the first line, a second stream would repeat entries.
    const open = () => send('get', `${BUCKET}/file-stream`, { params, signal, parseAs: 'stream' })
    const { data, response } = await withRetries(open, retry, signal)
    cursor = yield* entriesOf(parseNdjson(data as ReadableStream<Uint8Array>, timeoutMs), response.headers, messages)
  } while (cursor !== undefined)
}

/** @returns the cursor of the next stream @throws GatewayProblem when HOSTKEY failed midway; IncompleteList */
async function* entriesOf(
  lines: AsyncIterable<unknown>,
  headers: Headers,
  messages: Messages
): AsyncGenerator<FileEntry, string | undefined> {
  for await (const each of lines) {
    const line = each as FileLine
    if ('problem' in line) throw problemIn(line.problem, line.problem.status, headers, messages)
    if ('end' in line) {
      const { nextCursor, complete } = line.end
      if (nextCursor === null && !complete) throw new IncompleteList(HIDDEN)
      return nextCursor ?? undefined
    }
    yield line
  }
  throw new IncompleteList('The stream of files ended before its last line.')
}
