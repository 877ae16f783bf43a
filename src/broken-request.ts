import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ProblemName } from '../schemas/problems.ts'
import { Problem, problemBody } from './problem.ts'

/** What Node's HTTP parser could not read has no request and no reply: only a socket. */
const byCode: Record<string, [ProblemName, string]> = {
  HPE_HEADER_OVERFLOW: ['headers-too-large', 'The headers, or the URL, are larger than 16 KiB.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['invalid-request', 'The request did not arrive in time.']
}

const REASONS: Record<number, string> = { 400: 'Bad Request', 431: 'Request Header Fields Too Large' }

/** Answers a request that could not be parsed, as every other failure is answered, and closes. */
export const answerBrokenRequest =
  (publicUrl: string) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
      socket.destroy()
      return
    }
    const [name, detail] = byCode[error.code ?? ''] ?? ['invalid-request', 'The request is not well-formed HTTP.']
    const problem = new Problem(name, detail, { outcome: 'not-applied' })
    const instance = randomUUID()
    const body = JSON.stringify(problemBody(problem, { publicUrl, instance }))
    socket.end(
      [
        `HTTP/1.1 ${problem.status} ${REASONS[problem.status]}`,
        'Content-Type: application/problem+json',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Cache-Control: no-store',
        `X-Request-Id: ${instance}`,
        'Connection: close',
        '',
        body
      ].join('\r\n')
    )
  }
