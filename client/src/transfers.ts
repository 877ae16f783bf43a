import type { components } from './generated/schema.ts'
import type { CallOptions, Send } from './send.ts'

export interface UploadOptions extends CallOptions {
  /** Type of the content. Default: that of the file. */
  contentType?: string | undefined
  /** Called with the bytes that were sent. In browsers as they are sent, elsewhere at the end. */
  onProgress?: ((sentBytes: number, totalBytes: number) => void) | undefined
}

export interface DownloadOptions extends CallOptions {
  /** Name under which a browser saves the file. */
  downloadName?: string | undefined
}

/** The storage refused an upload or a download, or could not be reached: then `status` is 0. */
export class TransferFailed extends Error {
  override readonly name = 'transfer-failed'
  readonly status: number
  /** Such as `NoSuchKey`; undefined where the storage names none. */
  readonly code: string | undefined

  constructor(status: number, text: string) {
    const code = /<Code>([^<]{1,64})<\/Code>/.exec(text)?.[1]
    super(`The storage answered ${status || 'nothing'}${code === undefined ? '' : `: ${code}`}.`)
    this.status = status
    this.code = code
  }
}

type PresignedUrl = components['schemas']['PresignedUrl']

const URLS = '/accounts/{s3uid}/buckets/{bucket}/presigned-urls'

/** @throws GatewayProblem */
export const presign = async (
  send: Send,
  s3uid: string,
  bucket: string,
  body: components['schemas']['NewPresignedUrl'],
  { signal }: CallOptions
): Promise<PresignedUrl> =>
  (await send('post', URLS, { params: { path: { s3uid, bucket } }, body, signal })).data as PresignedUrl

/** The part of XMLHttpRequest that is used here: the types of Node have none. */
interface BrowserRequest {
  readonly status: number
  readonly responseText: string
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
  onloadend: (() => void) | null
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  send(body: Blob): void
  abort(): void
}

const Xhr = (globalThis as { XMLHttpRequest?: new () => BrowserRequest }).XMLHttpRequest

/** Uploads a file to the storage, past the gateway. @throws GatewayProblem; TransferFailed */
export const upload = async (
  send: Send,
  s3uid: string,
  bucket: string,
  path: string,
  file: Blob,
  { contentType = file.type || 'application/octet-stream', onProgress, signal }: UploadOptions
): Promise<void> => {
  const wanted = { operation: 'upload', path, contentType, contentLength: file.size } as const
  const target = await presign(send, s3uid, bucket, wanted, { signal })
  // Browsers send the length by themselves, and let no script set it.
  const headers = { 'content-type': contentType }
  if (Xhr) return uploadWithProgress(new Xhr(), target.url, headers, file, { onProgress, signal })
  const reply = await fetchFrom(target.url, { method: 'PUT', headers, body: file, signal: signal ?? null })
  await reply.text()
  onProgress?.(file.size, file.size)
}

/** `fetch` reports no progress of an upload. */
const uploadWithProgress = (
  request: BrowserRequest,
  url: string,
  headers: Readonly<Record<string, string>>,
  file: Blob,
  { onProgress, signal }: Pick<UploadOptions, 'onProgress' | 'signal'>
): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => request.abort()
    request.open('PUT', url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded }) => onProgress?.(loaded, file.size)
    request.onload = () =>
      request.status === 200 ? resolve() : reject(new TransferFailed(request.status, request.responseText))
    request.onerror = () => reject(new TransferFailed(0, ''))
    request.onabort = () => reject(signal?.reason)
    request.onloadend = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort)
    request.send(file)
  })

/** Downloads a file from the storage, past the gateway. @throws GatewayProblem; TransferFailed */
export const download = async (
  send: Send,
  s3uid: string,
  bucket: string,
  path: string,
  { downloadName, signal }: DownloadOptions
): Promise<Response> => {
  const wanted = { operation: 'download', path, ...(downloadName !== undefined && { downloadName }) } as const
  const { url } = await presign(send, s3uid, bucket, wanted, { signal })
  return fetchFrom(url, { signal: signal ?? null })
}

const fetchFrom = async (url: string, init: RequestInit): Promise<Response> => {
  // The storage knows neither the token nor the cookie of the gateway.
  const reply = await fetch(url, { ...init, credentials: 'omit' }).catch(error => {
    init.signal?.throwIfAborted()
    throw Object.assign(new TransferFailed(0, ''), { cause: error })
  })
  if (!reply.ok) throw new TransferFailed(reply.status, await reply.text())
  return reply
}
