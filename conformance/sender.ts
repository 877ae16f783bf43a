import { request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Relative to the base URL, without a leading slash; sent unchanged. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The decoded body; empty when it is not UTF-8. */
  readonly text: string
  readonly ms: number
}

/** There was no response. The message gives the reason without an address. */
export class RequestFailed extends Error {}

export interface Sender {
  /**
   * Sends one request, no sooner than the rate allows. Follows no redirect. Sends a GET again that the server is too busy
   * for, when it says after how long. @throws RequestFailed
   */
  send(request: HttpRequest): Promise<HttpResponse>
  /** Number of requests so far. */
  count(): number
}

export interface SenderOptions {
  readonly url: URL
  readonly ratePerSecond: number
  readonly maxRequests: number
  readonly timeoutMs: number
}

/** 8 MiB: the limit of the official client and of the gateway. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

const ATTEMPTS = 3
const MAX_RETRY_AFTER_SECONDS = 10

const isBusy = ({ status, headers }: HttpResponse): boolean =>
  status === 503 && Number(headers['retry-after']) <= MAX_RETRY_AFTER_SECONDS

/** Some proxies block the default names of HTTP libraries. */
const USER_AGENT = 'hostkey-s3-gateway-conformance/0.1'

/** Sends at most `ratePerSecond` requests per second and `maxRequests` in total. */
export const createSender = ({ url, ratePerSecond, maxRequests, timeoutMs }: SenderOptions): Sender => {
  let count = 0
  let next = 0
  const sendOnce = async (request: HttpRequest): Promise<HttpResponse> => {
    if (count >= maxRequests)
      throw new RequestFailed(`not sent: the limit of ${maxRequests} requests is reached (--max-requests)`)
    count += 1
    const wait = next - performance.now()
    if (wait > 0) await pause(wait)
    const startedAt = performance.now()
    next = startedAt + 1000 / ratePerSecond
    const { status, headers, body } = await exchange(url, request, timeoutMs)
    return { status, headers, text: textOf(body, headers['content-encoding']), ms: performance.now() - startedAt }
  }
  return {
    count: () => count,
    async send(request) {
      let response = await sendOnce(request)
      for (let attempt = 1; attempt < ATTEMPTS && request.method === 'GET' && isBusy(response); attempt += 1) {
        await pause(Number(response.headers['retry-after']) * 1000)
        response = await sendOnce(request)
      }
      return response
    }
  }
}

interface Raw {
  status: number
  headers: Record<string, string | undefined>
  body: Buffer
}

/** Uses node:http because it sends the path unchanged; fetch normalises it. */
const exchange = (url: URL, { method, path, headers = {}, body }: HttpRequest, timeoutMs: number): Promise<Raw> => {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>()
  const send = url.protocol === 'https:' ? https : http
  const timeLimit = AbortSignal.timeout(timeoutMs)
  const fail = (error: unknown) => reject(new RequestFailed(reasonOf(error, timeLimit, timeoutMs)))
  const request = send(
    {
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method,
      path: `${url.pathname}${path}`,
      headers: {
        'user-agent': USER_AGENT,
        ...headers,
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) })
      },
      signal: timeLimit
    },
    response =>
      readBody(response).then(
        body => resolve({ status: response.statusCode ?? 0, headers: flat(response), body }),
        fail
      )
  )
  request.on('error', fail)
  request.end(body)
  return promise
}

const readBody = async (response: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RequestFailed('the response is larger than 8 MiB')
  }
  return Buffer.concat(chunks)
}

const reasonOf = (error: unknown, { aborted }: AbortSignal, timeoutMs: number): string => {
  if (aborted) return `no response within ${timeoutMs / 1000} s`
  if (error instanceof RequestFailed) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return `the connection failed (${code})`
}

const flat = ({ headers }: IncomingMessage): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  )

const decoders: Record<string, (body: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  deflate: inflateSync
}

/** Decodes a body. Some servers compress without `Accept-Encoding`. */
const textOf = (body: Buffer, encoding: string | undefined): string => {
  try {
    const plain = decoders[encoding ?? '']?.(body) ?? body
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
  } catch {
    return ''
  }
}
