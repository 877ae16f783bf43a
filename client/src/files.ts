import type { components } from './generated/schema.ts'
import { linesOf } from './lines.ts'
import { problemIn } from './problem.ts'
import { type RetryOptions, retried } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type File = components['schemas']['File']
export type Folder = components['schemas']['Folder']
export type FileList = components['schemas']['FileList']

export interface FilesOptions extends CallOptions {
  /** Passed to HOSTKEY as it is: whether it is a prefix or a part of the path is not documented. */
  search?: string | undefined
  /** How many files and folders a page holds at most, 1 to 1000. */
  limit?: number | undefined
  /** Where to begin: `nextCursor` of an earlier page. */
  cursor?: string | undefined
}

/** What a stream takes: it has no pages. */
export type StreamOptions = Omit<FilesOptions, 'limit'>

/** What a stream gives: a file, or a folder. */
export type FileEntry = { file: File; folder?: never } | { folder: Folder; file?: never }

/** A line of the stream; the last one says how it ended. */
type FileLine = FileEntry | { end: { nextCursor: string | null } } | { problem: components['schemas']['Problem'] }

/** The stream ended before its last line: what was read is not all. */
export class IncompleteStream extends Error {
  override readonly name = 'incomplete-stream'
}

export interface FilesDoor {
  send: Send
  retry: RetryOptions
  /** So long a stream may be silent. */
  timeoutMs: number
}

const at = (s3uid: string, bucket: string, { search, limit, cursor }: FilesOptions) => ({
  path: { s3uid, bucket },
  query: { search, limit, cursor }
})

const FILES = '/accounts/{s3uid}/buckets/{bucket}/files'

/** The pages of a bucket, one after the other, each when it is asked for. */
export async function* filePages(
  { send, retry }: FilesDoor,
  s3uid: string,
  bucket: string,
  options: FilesOptions
): AsyncGenerator<FileList, void> {
  const { signal } = options
  let cursor = options.cursor
  do {
    const params = at(s3uid, bucket, { ...options, cursor })
    const page = await retried(
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

/** The files and folders of a bucket as the gateway reads them; goes on at the cursor where a replica had to stop. */
export async function* streamFiles(
  { send, retry, timeoutMs }: FilesDoor,
  s3uid: string,
  bucket: string,
  options: StreamOptions
): AsyncGenerator<FileEntry, void> {
  const { signal } = options
  let cursor = options.cursor
  do {
    const params = at(s3uid, bucket, { ...options, cursor })
    const headers = { Accept: 'application/x-ndjson' }
    // Only the beginning is repeated: a second stream would give the first lines again.
    const open = () => send('get', FILES, { params, headers, signal, parseAs: 'stream' })
    const { data, response } = await retried(open, retry, signal)
    cursor = yield* entriesOf(linesOf(data as ReadableStream<Uint8Array>, timeoutMs), response.headers)
  } while (cursor !== undefined)
}

/** @returns where the rest begins @throws GatewayProblem when HOSTKEY failed on the way; IncompleteStream */
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
