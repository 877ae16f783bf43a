import {
  type File,
  type FileEntry,
  type FileList,
  type FilesOptions,
  filePages,
  files,
  type StreamOptions,
  streamFiles
} from './files.ts'
import type { components } from './generated/schema.ts'
import { type CreatedAccount, type NewOrder, type OrderOptions, placeOrder } from './orders.ts'
import { DEFAULT_RETRY, type RetryOptions, retried } from './retry.ts'
import { type CallOptions, createSend, type Method, type SendInit } from './send.ts'

export type { FileEntry, FilesOptions, StreamOptions } from './files.ts'
export { IncompleteStream } from './files.ts'
export type { OrderOptions } from './orders.ts'
export { OrderUndecided } from './orders.ts'
export type { Fault, ProblemName, ProblemNameOf } from './problem.ts'
export { GatewayProblem, isProblem } from './problem.ts'
export type { RetryOptions } from './retry.ts'
export type { CallOptions, Method, Paths } from './send.ts'

/** The models of the contract: `Schemas['Bucket']`. */
export type Schemas = components['schemas']

/** These members of a login, and none of the others. */
type Only<Members extends keyof Schemas['NewSession']> = Required<Pick<Schemas['NewSession'], Members>> & {
  [Other in Exclude<keyof Schemas['NewSession'], Members>]?: never
}

/** What a page logs in with: one of three kinds. The gateway refuses several at once. */
export type Credential = Only<'apiKey'> | Only<'email' | 'password'> | Only<'token'>

export interface ClientOptions {
  /** Where the gateway is mounted, such as `https://s3.example.com`, or with a path as `https://example.com/storage`. */
  baseUrl: string
  /**
   * A HOSTKEY token or the credential of a service, or what gives one. Left out in a browser: there the session cookie
   * of `login()` is the credential, and no script can read it.
   */
  token?: string | (() => string | Promise<string>)
  /** Another `fetch`, for tests or a proxy. */
  fetch?: (request: Request) => Promise<Response>
  /** So long one attempt may take, and a stream may be silent. 90 s: longer than the gateway waits for HOSTKEY. */
  timeoutMs?: number
  /** For reads; writes are never repeated, orders as `order()` says. */
  retry?: Partial<RetryOptions>
}

/** Every method throws a `GatewayProblem` for a reply that is not a success. */
export interface Client {
  /** A read, by its path in the document. Sent again after a passing failure. */
  GET: Method<'get'>
  POST: Method<'post'>
  DELETE: Method<'delete'>
  /** Turns a credential into a session cookie of the browser. */
  login(credential: Credential, options?: CallOptions): Promise<Schemas['Session']>
  /** Ends the session. */
  logout(options?: CallOptions): Promise<void>
  /** The files in a bucket, across all pages. */
  files(s3uid: string, bucket: string, options?: FilesOptions): AsyncIterable<File>
  /** The same page by page, with the folders. */
  filePages(s3uid: string, bucket: string, options?: FilesOptions): AsyncIterable<FileList>
  /** Files and folders as they arrive, in one reply however many there are. @throws IncompleteStream */
  streamFiles(s3uid: string, bucket: string, options?: StreamOptions): AsyncIterable<FileEntry>
  /** Deletes the file with exactly this path: dots, slashes and all. */
  deleteFile(s3uid: string, bucket: string, path: string, options?: CallOptions): Promise<void>
  /**
   * Orders a paid account and waits for the outcome. It bills, and at most once: its `Idempotency-Key` is made here and
   * kept until the end. @throws OrderUndecided with that key
   */
  order(wanted: NewOrder, options?: OrderOptions): Promise<CreatedAccount>
}

const TIMEOUT_MS = 90_000

/** @throws TypeError when `baseUrl` is no address */
export const createClient = ({ timeoutMs = TIMEOUT_MS, retry: wish, ...door }: ClientOptions): Client => {
  const send = createSend({ ...door, timeoutMs })
  const retry = { ...DEFAULT_RETRY, ...wish }
  const once = (method: 'post' | 'delete') => async (path: string, init?: SendInit) =>
    (await send(method, path, init)).data
  const listing = { send, retry, timeoutMs }
  // The paths and bodies of `Method` are known to the compiler alone.
  const GET = ((path: string, init?: SendInit) =>
    retried(async () => (await send('get', path, init)).data, retry, init?.signal)) as Method<'get'>
  const POST = once('post') as Method<'post'>
  const DELETE = once('delete') as Method<'delete'>

  return {
    GET,
    POST,
    DELETE,
    login: (credential, { signal } = {}) => POST('/session', { body: credential, signal }),
    logout: async ({ signal } = {}) => void (await DELETE('/session', { signal })),
    files: (s3uid, bucket, options = {}) => files(listing, s3uid, bucket, options),
    filePages: (s3uid, bucket, options = {}) => filePages(listing, s3uid, bucket, options),
    streamFiles: (s3uid, bucket, options = {}) => streamFiles(listing, s3uid, bucket, options),
    deleteFile: async (s3uid, bucket, path, { signal } = {}) =>
      void (await DELETE('/accounts/{s3uid}/buckets/{bucket}/files', {
        params: { path: { s3uid, bucket }, query: { path } },
        signal
      })),
    order: (wanted, options = {}) => placeOrder(send, wanted, options)
  }
}
