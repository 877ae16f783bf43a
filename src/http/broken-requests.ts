import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FastifyBaseLogger } from 'fastify'
import type { ProblemName } from '../../schemas/problems.ts'
import { Problem, problemBody } from '../core/problem.ts'
import type { Metrics } from '../observability/metrics.ts'

export interface BrokenRequestOptions {
  publicUrl: string
  metrics: Metrics
  log: FastifyBaseLogger
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
export const createBrokenRequests = ({ publicUrl, metrics, log }: BrokenRequestOptions) => {
  /** The replies of each connection that were pending when its newest request came, and the newest. */
  const replies = new WeakMap<Duplex, ServerResponse[]>()
  const refused = new WeakSet<Duplex>()

  const record = (problem: Problem, { requestId, reason, ip }: { requestId: string; reason: string; ip: unknown }) => {
    const { problem: name, status } = problem
    metrics.request('none', status, name, 0)
    const outcome = { operation: 'none', status, problem: name, reason, ms: 0, upstreamMs: 0, upstreamCalls: 0, ip }
    log.info({ requestId, ...outcome }, 'request')
  }

  const refuse = (socket: Duplex, code: string, isKnown: boolean) => {
    const [name, detail] = byCode[code] ?? ['invalid-request', 'The request is not well-formed HTTP.']
    const problem = new Problem(name, detail, { outcome: 'not-applied' })
    const instance = randomUUID()
    // A request with a broken body is recorded by `telemetry`.
    if (!isKnown) {
      const ip = 'remoteAddress' in socket ? socket.remoteAddress : undefined
      record(problem, { requestId: instance, reason: code, ip })
    }
    socket.write(replyOf(problem, { publicUrl, instance }))
  }

  const refuseInTurn = (socket: Duplex, code: string) => {
    // The parser reports an error for every further byte.
    if (refused.has(socket)) return
    refused.add(socket)
    const all = replies.get(socket) ?? []
    const latest = all.at(-1)
    const broken = latest?.req.complete === false ? latest : undefined
    const earlier = all.filter(response => !response.closed && response !== broken)
    const answer = () => {
      // A request whose body breaks after its reply has been answered already.
      if (socket.writable && !broken?.headersSent) refuse(socket, code, broken !== undefined)
      socket.end()
      setTimeout(() => socket.destroy(), LINGER_MS).unref()
    }
    const last = earlier.at(-1)
    if (last) last.once('close', answer)
    else answer()
  }

  return {
    /** For `clientErrorHandler`. */
    answer(error: NodeJS.ErrnoException, socket: Socket): void {
      if (error.code === 'ECONNRESET') socket.destroy()
      else refuseInTurn(socket, error.code ?? 'unknown')
    },
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
      server.on('connect', (_request, socket) => {
        socket.on('error', () => socket.destroy())
        refuseInTurn(socket, 'CONNECT')
      })
    }
  }
}

const replyOf = (problem: Problem, options: { publicUrl: string; instance: string }): string => {
  const body = JSON.stringify(problemBody(problem, options))
  return [
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(problem.status === 405 ? ['Allow: GET, POST, DELETE'] : []),
    'Cache-Control: no-store',
    `X-Request-Id: ${options.instance}`,
    'Connection: close',
    '',
    body
  ].join('\r\n')
}
