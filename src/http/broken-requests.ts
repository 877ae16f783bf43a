import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { ProblemName } from '../../schemas/problems.ts'
import { Problem, problemBody } from '../core/problem.ts'
import type { Metrics } from '../observability/metrics.ts'

export interface BrokenRequestOptions {
  publicUrl: string
  metrics: Metrics
  log: FastifyBaseLogger
  corsHeadersOf: (origin: string | undefined) => Record<string, string>
}

/** Problems by the error code of Node's HTTP parser. Such a request has no `request` and no `reply`, only a socket. */
const byCode: Record<string, [ProblemName, string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The headers, or the URL, are larger than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['body-too-large', 'The chunk extensions of the body are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['invalid-request', 'The request did not arrive in time.'],
  CONNECT: ['method-not-allowed', 'The gateway is not a proxy.']
}

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  431: 'Request Header Fields Too Large'
}

/** 1 s: time for the client to read the refusal and close; then the connection is destroyed. */
const LINGER_MS = 1000

/**
 * Answers requests that do not reach Fastify with a problem like every other failure, and closes the connection. Earlier
 * requests of the connection are answered first: the client would take the refusal for their reply.
 */
export const createBrokenRequests = ({ publicUrl, metrics, log, corsHeadersOf }: BrokenRequestOptions) => {
  /** The replies of each connection that were pending when its newest request came, and the newest. */
  const replies = new WeakMap<Duplex, ServerResponse[]>()
  const refused = new WeakSet<Duplex>()

  const record = (problem: Problem, { requestId, reason, ip }: { requestId: string; reason: string; ip: unknown }) => {
    const { problem: name, status } = problem
    metrics.request('none', status, name, 0)
    const outcome = { operation: 'none', status, problem: name, reason, ms: 0, upstreamMs: 0, upstreamCalls: 0, ip }
    log.info({ requestId, ...outcome }, 'request')
  }

  const refuse = (socket: Duplex, { code, origin }: Breakage, isKnown: boolean) => {
    const [name, detail] = byCode[code] ?? ['invalid-request', 'The request is not well-formed HTTP.']
    const problem = new Problem(name, detail, { outcome: 'not-applied' })
    const instance = randomUUID()
    // A request with a broken body is recorded by `telemetry`.
    if (!isKnown) {
      const ip = 'remoteAddress' in socket ? socket.remoteAddress : undefined
      record(problem, { requestId: instance, reason: code, ip })
    }
    socket.write(replyOf(problem, { publicUrl, instance, headers: corsHeadersOf(origin) }))
  }

  const refuseInTurn = (socket: Duplex, breakage: Breakage) => {
    // The parser reports an error for every further byte.
    if (refused.has(socket)) return
    refused.add(socket)
    const all = replies.get(socket) ?? []
    const latest = all.at(-1)
    const broken = latest?.req.complete === false ? latest : undefined
    const earlier = all.filter(response => !response.closed && response !== broken)
    const answer = () => {
      // A request whose body breaks after its reply has been answered already.
      if (socket.writable && !broken?.headersSent) refuse(socket, breakage, broken !== undefined)
      socket.end()
      setTimeout(() => socket.destroy(), LINGER_MS).unref()
    }
    const last = earlier.at(-1)
    if (last) last.once('close', answer)
    else answer()
  }

  return {
    /** For `clientErrorHandler`. */
    answer({ code = 'unknown', rawPacket }: ParserError, socket: Socket): void {
      if (code === 'ECONNRESET') socket.destroy()
      else refuseInTurn(socket, { code, origin: Buffer.isBuffer(rawPacket) ? originIn(rawPacket) : undefined })
    },
    /** A reply is sent: the connection would keep it until its next request. One whose request has not ended is kept. */
    forget({ raw: request }: FastifyRequest): void {
      const pending = replies.get(request.socket)
      if (request.complete && pending?.[0]?.req === request) pending.shift()
    },
    /** Has the connection had requests, and are all of them answered? */
    isIdle: (socket: Duplex): boolean => replies.get(socket)?.every(({ closed }) => closed) ?? false,
    /** Tracks the pending replies of each connection, and answers CONNECT, for which Node emits an event of its own. */
    watch(server: Server): void {
      server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
        const pending = replies.get(socket)
        if (pending === undefined) replies.set(socket, [response])
        else {
          // In place, because this runs for each request. They are sent, and closed, in order.
          while (pending[0]?.closed) pending.shift()
          pending.push(response)
        }
      })
      server.on('connect', ({ headers: { origin } }, socket) => {
        socket.on('error', () => socket.destroy())
        refuseInTurn(socket, { code: 'CONNECT', origin })
      })
    }
  }
}

/** Why a request is broken, and the origin of the page that sent it, if it is known. */
interface Breakage {
  code: string
  origin: string | undefined
}

interface ParserError {
  code?: string
  /** The bytes in which the parser found the fault: a Buffer, other than Fastify's type says. */
  rawPacket?: unknown
}

/** The parser has no headers to give: the origin is looked for in the bytes, and is compared with the allowed ones only. */
const originIn = (bytes: Buffer): string | undefined =>
  /^origin:[ \t]*([!-~]{1,512})[ \t]*\r?$/im.exec(bytes.toString('latin1'))?.[1]

const replyOf = (
  problem: Problem,
  { headers, ...options }: { publicUrl: string; instance: string; headers: Record<string, string> }
): string => {
  const body = JSON.stringify(problemBody(problem, options))
  return [
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(problem.status === 405 ? ['Allow: GET, HEAD, POST, DELETE, OPTIONS'] : []),
    'Cache-Control: no-store',
    `X-Request-Id: ${options.instance}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
    '',
    body
  ].join('\r\n')
}
