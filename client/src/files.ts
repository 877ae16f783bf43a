import type { components } from './generated/schema.ts'
import { parseNdjson } from './ndjson.ts'
import { problemIn } from './problem.ts'
import { type RetryOptions, withRetries } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type File = components['schemas']['File']
export type Folder = components['schemas']['Folder']
export type FileList = components['schemas']['FileList']

export interface FilesOptions extends CallOptions {
  /** Passed to HOSTKEY unchanged. HOSTKEY does not document whether it matches a prefix or any part of the path. */
  search?: string | undefined
  /** Maximum number of files and folders on a page, 1 to 1000. */
  limit?: number | undefined
  /** Where to start: `nextCursor` of an earlier page. */
  cursor?: string | undefined
}

/** Options of a stream, which has no pages. */
export type StreamOptions = Omit<FilesOptions, 'limit'>

/** One entry of a stream: a file or a folder. */
export type FileEntry = { file: File; folder?: never } | { folder: Folder; file?: never }

/** A line of the stream. The last line reports how the stream ended. */
type FileLine = FileEntry | { end: { nextCursor: string | null } } | { problem: components['schemas']['Problem'] }

/** The stream ended before its last line: the list is incomplete. */
export class IncompleteStream extends Error {
  override readonly name = 'incomplete-stream'
}

export interface Reader {
  send: Send
  retry: RetryOptions
  /** Longest silence of a stream. */
  timeoutMs: number
}

const inputOf = (s3uid: string, bucket: string, { search, limit, cursor }: FilesOptions) => ({
  path: { s3uid, bucket },
  query: { search, limit, cursor }
})

const FILES = '/accounts/{s3uid}/buckets/{bucket}/files'

/** The pages of a bucket in order. Each is requested when the consumer asks for it. */
export async function* filePages(
  { send, retry }: Reader,
  s3uid: string,
  bucket: string,
  options: FilesOptions
): AsyncGenerator<FileList, void> {
  const { signal } = options
  let cursor = options.cursor
  do {
    const params = inputOf(s3uid, bucket, { ...options, cursor })
    const page = await withRetries(
      async () => (await send('get', FILES, { params, signal })).data as FileList,
      retry,
      signal
    )
    yield page
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

/** The files of all pages. */
export async function* files(...args: Parameters<typeof filePages>): AsyncGenerator<File, void> {
  for await (const { items } of filePages(...args)) yield* items
}

/** The files and folders of a bucket as they arrive. Continues at the cursor when a replica ends its stream early. */
export async function* streamFiles(
  { send, retry, timeoutMs }: Reader,
  s3uid: string,
  bucket: string,
  options: StreamOptions
): AsyncGenerator<FileEntry, void> {
  const { signal } = options
  let cursor = options.cursor
  do {
    const params = inputOf(s3uid, bucket, { ...options, cursor })
    const headers = { Accept: 'application/x-ndjson' }
    // Only opening is retried: after the first line, a second stream would repeat entries.
    const open = () => send('get', FILES, { params, headers, signal, parseAs: 'stream' })
    const { data, response } = await withRetries(open, retry, signal)
    cursor = yield* entriesOf(parseNdjson(data as ReadableStream<Uint8Array>, timeoutMs), response.headers)
  } while (cursor !== undefined)
}

/** @returns the cursor of the next stream @throws GatewayProblem when HOSTKEY failed midway; IncompleteStream */
async function* entriesOf(
  lines: AsyncIterable<unknown>,
  headers: Headers
): AsyncGenerator<FileEntry, string | undefined> {
  for await (const each of lines) {
    const line = each as FileLine
    if ('problem' in line) throw problemIn(line.problem, line.problem.status, headers)
    if ('end' in line) return line.end.nextCursor ?? undefined
    yield line
  }
  throw new IncompleteStream('The stream of files ended before its last line.')
}
