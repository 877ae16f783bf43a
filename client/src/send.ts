import createFetchClient, { type ParamsOption, type RequestBodyOption } from 'openapi-fetch'
import type { paths } from './generated/schema.ts'
import { problemOf } from './problem.ts'

/**
 * The paths of the document, without pages for people, and without the file that is named in the path of a URL, where
 * clients and proxies rewrite dots and slashes: `?path=` is exact.
 */
export type Paths = Omit<paths, '/accounts/{s3uid}/buckets/{bucket}/files/{path}' | '/problems/{name}'>

type HttpMethod = 'get' | 'post' | 'delete'

type PathsWith<M extends HttpMethod> = {
  [Path in keyof Paths]: Paths[Path] extends Record<M, { responses: unknown }> ? Path : never
}[keyof Paths]

type OperationAt<Path extends keyof Paths, M extends HttpMethod> = Paths[Path][M & keyof Paths[Path]]

/** A read has no headers to set: `If-None-Match` would be answered with 304, which has no body to resolve to. */
type Sendable<Operation, M extends HttpMethod> = M extends 'get'
  ? Operation extends { parameters: infer Parameters }
    ? { parameters: Omit<Parameters, 'header'> }
    : Operation
  : Operation

/** What every method takes beside its input. */
export interface CallOptions {
  /** Ends the call, and whatever it waits for. A write that has left may have been executed. */
  signal?: AbortSignal | undefined
}

/** What an operation takes, and a signal that ends it. Not generic: a misspelt parameter must not compile. */
type Init<Operation, M extends HttpMethod> = ParamsOption<Sendable<Operation, M>> &
  RequestBodyOption<Operation> &
  CallOptions

/** An argument may be left out when nothing in it is required. */
type Argument<Init> = Partial<Init> extends Init ? [init?: Init] : [init: Init]

type Success = 200 | 201 | 202 | 204

type Json<Operation> = Operation extends { responses: infer Replies }
  ? {
      [Status in keyof Replies & Success]: Replies[Status] extends { content: { 'application/json': infer Body } }
        ? Body
        : undefined
    }[keyof Replies & Success]
  : never

/** One method of HTTP over all its paths: resolves to the body of a success, throws everything else. */
export type Method<M extends HttpMethod> = <Path extends PathsWith<M>>(
  path: Path,
  ...init: Argument<Init<OperationAt<Path, M>, M>>
) => Promise<Json<OperationAt<Path, M>>>

export interface Door {
  /** Where the gateway is mounted, such as `https://s3.example.com`. */
  baseUrl: string
  /** A HOSTKEY token or a service credential; without one the session cookie of the browser is the credential. */
  token?: string | (() => string | Promise<string>) | undefined
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** So long one attempt may take. */
  timeoutMs: number
}

export interface Sent {
  data?: unknown
  response: Response
}

type Fetched = Sent & { error?: unknown }

/** Sends one request by either door. @throws GatewayProblem; what fetch throws when the network fails */
export type Send = (method: HttpMethod, path: string, init?: SendInit) => Promise<Sent>

export interface SendInit {
  params?: { path?: Record<string, unknown>; query?: Record<string, unknown>; header?: Record<string, unknown> }
  headers?: Record<string, string>
  body?: unknown
  signal?: AbortSignal | null | undefined
  parseAs?: 'json' | 'stream'
}

/** One attempt each, and no retries. */
export const createSend = ({ baseUrl, token, fetch, timeoutMs }: Door): Send => {
  const api = createFetchClient({
    baseUrl,
    ...(fetch && { fetch }),
    credentials: token === undefined ? 'include' : 'omit'
  })
  assertBase(baseUrl)
  // What goes in is checked where `Method` is called; in here a path is text.
  const request = api.request as unknown as (method: HttpMethod, path: string, init: object) => Promise<Fetched>
  return async (method, path, { signal, headers, ...init } = {}) => {
    assertSegments(init.params?.path)
    const credential: Record<string, string> =
      token === undefined
        ? { 'X-CSRF': '1' }
        : { Authorization: `Bearer ${typeof token === 'function' ? await token() : token}` }
    const deadline = startDeadline(timeoutMs, signal)
    try {
      const sent = await request(method, path, { ...init, headers: { ...headers, ...credential }, ...deadline.init })
      if (!sent.response.ok) throw problemOf(sent.response, sent.error)
      return sent
    } finally {
      // A body that is read as a stream has a deadline of its own for each part.
      deadline.stop()
    }
  }
}

/** Else each request would fail, and look like a network that is away. @throws TypeError when it is no address */
const assertBase = (baseUrl: string): void => {
  // In a page, and only there, an address may be relative: the type knows one place or the other.
  const { location } = globalThis as { location?: { href: string } }
  if (!URL.canParse(baseUrl, location?.href)) throw new TypeError(`baseUrl is no address: ${JSON.stringify(baseUrl)}`)
}

/** `.` and `..` would be taken out of the URL before it is sent, and the rest would name something else. */
const assertSegments = (path: Record<string, unknown> = {}): void => {
  for (const [name, value] of Object.entries(path)) {
    if (/^\.{0,2}$/.test(String(value))) throw new RangeError(`${name} cannot be "${value}"`)
  }
}

const startDeadline = (ms: number, signal: AbortSignal | null | undefined) => {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DOMException(`no reply in ${ms} ms`, 'TimeoutError')), ms)
  return {
    init: { signal: signal ? AbortSignal.any([signal, controller.signal]) : controller.signal },
    stop: () => clearTimeout(timer)
  }
}
