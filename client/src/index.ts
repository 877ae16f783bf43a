import {
  allFiles,
  type File,
  type FileEntry,
  type FileList,
  type FilesOptions,
  type FolderSummary,
  filePages,
  folder,
  type InfiniteFiles,
  listFilesInfinite,
  type StreamOptions,
  streamFiles,
  summary,
  type WholeListOptions
} from './files.ts'
import type { components } from './generated/schema.ts'
import { deleteFiles, type FileDeletion } from './jobs.ts'
import { completed, type PartialMessages } from './messages.ts'
import { type NewOrder, type OrderOptions, type PlacedOrder, placeOrder } from './orders.ts'
import { DEFAULT_RETRY, type RetryOptions, withRetries } from './retry.ts'
import { type CallOptions, createSend, type Method, type SendInit } from './send.ts'
import { type DownloadOptions, download, type UploadOptions, upload } from './transfers.ts'

export type { FileEntry, FileSelection, FilesOptions, InfiniteFiles, StreamOptions, WholeListOptions } from './files.ts'
export { IncompleteList } from './files.ts'
export type { FileDeletion, FileVerdict, Job, JobProgress } from './jobs.ts'
export type { FaultCode, Messages, PartialMessages } from './messages.ts'
export { messages } from './messages.ts'
export type { OrderOptions, PlacedOrder } from './orders.ts'
export { OrderUndecided } from './orders.ts'
export type { Fault, ProblemName, ProblemNameOf } from './problem.ts'
export { GatewayProblem, isProblem } from './problem.ts'
export type { RetryOptions } from './retry.ts'
export type { CallOptions, Method, Paths } from './send.ts'

export type { DownloadOptions, UploadOptions } from './transfers.ts'
export { TransferFailed } from './transfers.ts'

/** The models of the API: `Schemas['Bucket']`. */
export type Schemas = components['schemas']

/** These members of a login, without the others. */
type Only<Members extends keyof Schemas['NewSession']> = Required<Pick<Schemas['NewSession'], Members>> & {
  [Other in Exclude<keyof Schemas['NewSession'], Members>]?: never
}

/** The credential of a login: one of three kinds. The gateway refuses more than one. */
export type Credential = Only<'apiKey'> | Only<'email' | 'password'> | Only<'token'>

export interface ClientOptions {
  /** Address of the gateway, with its path if it has one: `https://s3.example.com`, `https://example.com/storage`. */
  baseUrl: string
  /**
   * A HOSTKEY token or a service credential, or a function that returns one. Omit it in a browser: there the session
   * cookie of `login()` is the credential, and scripts cannot read it.
   */
  token?: string | (() => string | Promise<string>)
  /** Replaces the global `fetch`, for tests or a proxy. */
  fetch?: (request: Request) => Promise<Response>
  /** Limit of one attempt, and of the silence of a stream. Default 90 s: longer than the gateway waits for HOSTKEY. */
  timeoutMs?: number
  /** Sentences in another language, or other words: they replace those of `messages` one by one. */
  messages?: PartialMessages
  /** Retries of reads. Writes are never retried; for orders see `order()`. */
  retry?: Partial<RetryOptions>
}

/** Tokens that can do less than the credential of the client. */
export interface Tokens {
  /** The reply has the token, which no list shows again. */
  create(token: Schemas['NewToken'], options?: CallOptions): Promise<Schemas['CreatedToken']>
  /** The live ones. */
  list(options?: CallOptions): Promise<Schemas['Token'][]>
  /** Ends one, and all that were made from it. */
  delete(tokenId: string, options?: CallOptions): Promise<void>
}

/** The sessions of the customer. */
export interface Sessions {
  list(options?: CallOptions): Promise<Schemas['ListedSession'][]>
  /** Ends one, and the tokens that were made from it. */
  delete(sessionId: string, options?: CallOptions): Promise<void>
}

/** Every method throws a `GatewayProblem` for a reply that is not a success. */
export interface Client {
  /** A read, by its path in `openapi.yaml`. Retried after a temporary failure. */
  GET: Method<'get'>
  POST: Method<'post'>
  PUT: Method<'put'>
  DELETE: Method<'delete'>
  /** Exchanges a credential for a session cookie. */
  login(credential: Credential, options?: CallOptions): Promise<Schemas['Session']>
  tokens: Tokens
  sessions: Sessions
  /** Ends the session. */
  logout(options?: CallOptions): Promise<void>
  /** The folders and files directly inside a folder, across all pages. `''` is the root. @throws IncompleteList */
  folder(s3uid: string, bucket: string, folder: string, options?: CallOptions): AsyncIterable<FileEntry>
  /** Every file of a bucket or below `folder`, across all pages. @throws IncompleteList */
  allFiles(s3uid: string, bucket: string, options?: WholeListOptions): AsyncIterable<File>
  /** The pages of a list. `complete` of the last one says whether something is missing. */
  filePages(s3uid: string, bucket: string, options?: FilesOptions): AsyncIterable<FileList>
  /** The same pages as options of `useInfiniteQuery` of TanStack Query. */
  listFilesInfinite(s3uid: string, bucket: string, options?: FilesOptions): InfiniteFiles
  /** The list as it arrives, without pages. @throws IncompleteList */
  streamFiles(s3uid: string, bucket: string, options?: StreamOptions): AsyncIterable<FileEntry>
  /** Number, size and newest change of all files below a folder. `''` is the root. */
  summary(s3uid: string, bucket: string, folder: string, options?: CallOptions): Promise<FolderSummary>
  /** Deletes the file with exactly this path, which may hold dots and slashes. */
  deleteFile(s3uid: string, bucket: string, path: string, options?: CallOptions): Promise<void>
  /** Deletes up to 1,000 files with a job. `await` it for its end, iterate over it for its progress. */
  deletePaths(s3uid: string, bucket: string, paths: readonly string[], options?: CallOptions): FileDeletion
  /** Deletes every file whose path begins with `prefix`, byte by byte. A folder ends with `/`. */
  deletePrefix(s3uid: string, bucket: string, prefix: string, options?: CallOptions): FileDeletion
  /** Deletes every file of the bucket. */
  emptyBucket(s3uid: string, bucket: string, options?: CallOptions): FileDeletion
  /** Uploads a file to the storage, past the gateway; replaces one with the same path. @throws TransferFailed */
  upload(s3uid: string, bucket: string, path: string, file: Blob, options?: UploadOptions): Promise<void>
  /** Downloads a file from the storage, past the gateway. @throws TransferFailed */
  download(s3uid: string, bucket: string, path: string, options?: DownloadOptions): Promise<Response>
  /**
   * Orders a paid account and waits for the outcome, 30 s by default. It bills at most once: all attempts carry the same
   * `Idempotency-Key`. @throws OrderUndecided with that key
   */
  order(order: NewOrder, options?: OrderOptions): Promise<PlacedOrder>
}

const TIMEOUT_MS = 90_000

/** @throws TypeError when `baseUrl` is not a URL */
export const createClient = ({ timeoutMs = TIMEOUT_MS, retry: retryOptions, ...connection }: ClientOptions): Client => {
  const send = createSend({ ...connection, timeoutMs })
  const retry = { ...DEFAULT_RETRY, ...retryOptions }
  const once = (method: 'post' | 'put' | 'delete') => async (path: string, init?: SendInit) =>
    (await send(method, path, init)).data
  const reader = { send, retry, timeoutMs, messages: completed(connection.messages) }
  // `Method` types paths and bodies for the compiler only; at run time they are plain values.
  const GET = ((path: string, init?: SendInit) =>
    withRetries(async () => (await send('get', path, init)).data, retry, init?.signal)) as Method<'get'>
  const POST = once('post') as Method<'post'>
  const PUT = once('put') as Method<'put'>
  const DELETE = once('delete') as Method<'delete'>

  return {
    GET,
    POST,
    PUT,
    DELETE,
    login: (credential, { signal } = {}) => POST('/session', { body: credential, signal }),
    tokens: {
      create: (body, { signal } = {}) => POST('/tokens', { body, signal }),
      list: async ({ signal } = {}) => (await GET('/tokens', { signal })).items,
      delete: async (tokenId, { signal } = {}) =>
        void (await DELETE('/tokens/{tokenId}', { params: { path: { tokenId } }, signal }))
    },
    sessions: {
      list: async ({ signal } = {}) => (await GET('/sessions', { signal })).items,
      delete: async (sessionId, { signal } = {}) =>
        void (await DELETE('/sessions/{sessionId}', { params: { path: { sessionId } }, signal }))
    },
    logout: async ({ signal } = {}) => void (await DELETE('/session', { signal })),
    folder: (s3uid, bucket, path, options = {}) => folder(reader, s3uid, bucket, { ...options, folder: path }),
    allFiles: (s3uid, bucket, options = {}) => allFiles(reader, s3uid, bucket, options),
    filePages: (s3uid, bucket, options = {}) => filePages(reader, s3uid, bucket, options),
    listFilesInfinite: (s3uid, bucket, options = {}) => listFilesInfinite(reader, s3uid, bucket, options),
    streamFiles: (s3uid, bucket, options = {}) => streamFiles(reader, s3uid, bucket, options),
    summary: (s3uid, bucket, path, options = {}) => summary(reader, s3uid, bucket, path, options),
    deleteFile: async (s3uid, bucket, path, { signal } = {}) =>
      void (await DELETE('/accounts/{s3uid}/buckets/{bucket}/files', {
        params: { path: { s3uid, bucket }, query: { path } },
        signal
      })),
    deletePaths: (s3uid, bucket, paths, options = {}) => deleteFiles(reader, s3uid, bucket, { paths }, options),
    deletePrefix: (s3uid, bucket, prefix, options = {}) =>
      deleteFiles(reader, s3uid, bucket, { prefix, confirm: bucket }, options),
    emptyBucket: (s3uid, bucket, options = {}) =>
      deleteFiles(reader, s3uid, bucket, { all: true, confirm: bucket }, options),
    upload: (s3uid, bucket, path, file, options = {}) => upload(send, s3uid, bucket, path, file, options),
    download: (s3uid, bucket, path, options = {}) => download(send, s3uid, bucket, path, options),
    order: (order, options = {}) => placeOrder(send, order, options)
  }
}
