import { request as http, type IncomingMessage } from 'node:http'
import { request as https } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below the base of the target, without a slash before it; sent byte for byte. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Empty when it is not UTF-8. */
  readonly text: string
  readonly ms: number
}

/** No answer came: why, without an address. */
export class Unanswered extends Error {}

export interface Sender {
  /** Sends one request, in its turn. Follows no redirect. @throws Unanswered */
  send(request: Request): Promise<Answer>
  /** Requests so far. */
  count(): number
}

export interface SenderOptions {
  readonly url: URL
  readonly ratePerSecond: number
  readonly maxRequests: number
  readonly timeoutMs: number
}

/** 8 MiB: the cap of the official client, and of the gateway. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** Edges block the default names of libraries. */
const USER_AGENT = 'hostkey-s3-gateway-conformance/0.1'

/** Sends requests one after another, no faster than `ratePerSecond` and no more than `maxRequests`. */
export const createSender = ({ url, ratePerSecond, maxRequests, timeoutMs }: SenderOptions): Sender => {
  let count = 0
  let next = 0
  return {
    count: () => count,
    async send(request) {
      if (count >= maxRequests) throw new Unanswered(`not sent: ${maxRequests} requests are the most (--max-requests)`)
      count += 1
      const wait = next - performance.now()
      if (wait > 0) await pause(wait)
      const began = performance.now()
      next = began + 1000 / ratePerSecond
      const { status, headers, body } = await exchanged(url, request, timeoutMs)
      return { status, headers, text: textOf(body, headers['content-encoding']), ms: performance.now() - began }
    }
  }
}

interface Raw {
  status: number
  headers: Record<string, string | undefined>
  body: Buffer
}

/** Node's own client, because it sends a path as it is given; others tidy it up. */
const exchanged = (url: URL, { method, path, headers = {}, body }: Request, timeoutMs: number): Promise<Raw> => {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>()
  const send = url.protocol === 'https:' ? https : http
  const timeLimit = AbortSignal.timeout(timeoutMs)
  const refuse = (error: unknown) => reject(new Unanswered(reasonOf(error, timeLimit, timeoutMs)))
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
      collected(response).then(
        body => resolve({ status: response.statusCode ?? 0, headers: flat(response), body }),
        refuse
      )
  )
  request.on('error', refuse)
  request.end(body)
  return promise
}

const collected = async (response: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new Unanswered('the answer is larger than 8 MiB')
  }
  return Buffer.concat(chunks)
}

const reasonOf = (error: unknown, { aborted }: AbortSignal, timeoutMs: number): string => {
  if (aborted) return `no answer within ${timeoutMs / 1000} s`
  if (error instanceof Unanswered) return error.message
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

/** A server may compress unasked. */
const textOf = (body: Buffer, encoding: string | undefined): string => {
  try {
    const plain = decoders[encoding ?? '']?.(body) ?? body
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
  } catch {
    return ''
  }
}
