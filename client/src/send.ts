import createFetchClient, { type ParamsOption, type RequestBodyOption } from 'openapi-fetch'
import type { paths } from './generated/schema.ts'
import { completed, type PartialMessages } from './messages.ts'
import { problemOf } from './problem.ts'

/**
 * The paths of `openapi.yaml`, without pages for people, and without `files/{path}`: browsers and proxies rewrite dots
 * and slashes there. `?path=` is exact.
 */
export type Paths = Omit<paths, '/accounts/{s3uid}/buckets/{bucket}/files/{path}' | '/problems/{name}'>

type HttpMethod = 'get' | 'post' | 'put' | 'delete'

type PathsWith<M extends HttpMethod> = {
  [Path in keyof Paths]: Paths[Path] extends Record<M, { responses: unknown }> ? Path : never
}[keyof Paths]

type OperationAt<Path extends keyof Paths, M extends HttpMethod> = Paths[Path][M & keyof Paths[Path]]

/** Reads take no headers: `If-None-Match` would be answered with 304, which has no body to return. */
type Sendable<Operation, M extends HttpMethod> = M extends 'get'
  ? Operation extends { parameters: infer Parameters }
    ? { parameters: Omit<Parameters, 'header'> }
    : Operation
  : Operation

/** Options of every method. */
export interface CallOptions {
  /** Aborts the call and its pauses. A write that was already sent may have been executed. */
  signal?: AbortSignal | undefined
}

/** The input of an operation, and a signal. Not generic: a misspelt parameter must not compile. */
type Init<Operation, M extends HttpMethod> = ParamsOption<Sendable<Operation, M>> &
  RequestBodyOption<Operation> &
  CallOptions

/** The argument is optional when all its members are. */
type Argument<Init> = Partial<Init> extends Init ? [init?: Init] : [init: Init]

type Success = 200 | 201 | 202 | 204 | 207

type Json<Operation> = Operation extends { responses: infer Replies }
  ? {
      [Status in keyof Replies & Success]: Replies[Status] extends { content: { 'application/json': infer Body } }
        ? Body
        : undefined
    }[keyof Replies & Success]
  : never

/** One HTTP method over all its paths: returns the body of a success, throws otherwise. */
export type Method<M extends HttpMethod> = <Path extends PathsWith<M>>(
  path: Path,
  ...init: Argument<Init<OperationAt<Path, M>, M>>
) => Promise<Json<OperationAt<Path, M>>>

export interface Connection {
  /** Address of the gateway, such as `https://s3.example.com`. */
  baseUrl: string
  /** A HOSTKEY token or a service credential; without one the session cookie of the browser is the credential. */
  token?: string | (() => string | Promise<string>) | undefined
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** Limit of one attempt. */
  timeoutMs: number
  messages?: PartialMessages | undefined
}

export interface Reply {
  data?: unknown
  response: Response
}

/** Sends one request. @throws GatewayProblem; what fetch throws when the network fails */
export type Send = (method: HttpMethod, path: string, init?: SendInit) => Promise<Reply>

export interface SendInit {
  params?: { path?: Record<string, unknown>; query?: Record<string, unknown>; header?: Record<string, unknown> }
  headers?: Record<string, string>
  body?: unknown
  signal?: AbortSignal | null | undefined
  parseAs?: 'json' | 'stream'
}

/** Each call is one attempt, without retries. */
export const createSend = ({ baseUrl, token, fetch, timeoutMs, messages: own }: Connection): Send => {
  const messages = completed(own)
  const api = createFetchClient({
    baseUrl,
    ...(fetch && { fetch }),
    credentials: token === undefined ? 'include' : 'omit'
  })
  assertUrl(baseUrl)
  // A cast: `Method` checks the input at compile time; here a path is a string.
  const request = api.request as unknown as (
    method: HttpMethod,
    path: string,
    init: object
  ) => Promise<Reply & { error?: unknown }>
  return async (method, path, { signal, headers, ...init } = {}) => {
    assertSegments(init.params?.path)
    const credential: Record<string, string> =
      token === undefined
        ? { 'X-CSRF': '1' }
        : { Authorization: `Bearer ${typeof token === 'function' ? await token() : token}` }
    const deadline = startDeadline(timeoutMs, signal)
    try {
      const reply = await request(method, path, { ...init, headers: { ...headers, ...credential }, ...deadline.init })
      if (!reply.response.ok) throw problemOf(reply.response, reply.error, messages)
      return reply
    } finally {
      // A body that is read as a stream has its own limit (`parseNdjson`).
      deadline.stop()
    }
  }
}

/** Without this check every request would fail with what looks like a network failure. @throws TypeError */
const assertUrl = (baseUrl: string): void => {
  // A cast: only a page has a location, and only there may the URL be relative.
  const { location } = globalThis as { location?: { href: string } }
  // `localhost:8080` is a URL whose scheme is `localhost`.
  const hasOtherScheme = /^[^/]*:/.test(baseUrl) && !/^https?:\/\//i.test(baseUrl)
  if (hasOtherScheme)
    throw new TypeError(`baseUrl must begin with http:// or https://, or be a path: ${JSON.stringify(baseUrl)}`)
  if (!URL.canParse(baseUrl, location?.href)) throw new TypeError(`baseUrl is not a URL: ${JSON.stringify(baseUrl)}`)
}

/** `.`, `..` and empty segments are removed from a URL before it is sent; the result would name another resource. */
const assertSegments = (path: Record<string, unknown> = {}): void => {
  for (const [name, value] of Object.entries(path)) {
    if (/^\.{0,2}$/.test(String(value))) throw new RangeError(`${name} cannot be "${value}"`)
  }
}

const startDeadline = (ms: number, signal: AbortSignal | null | undefined) => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DOMException(`no reply within ${ms} ms`, 'TimeoutError')), ms)
  return {
    init: { signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal },
    stop: () => clearTimeout(timer)
  }
}
