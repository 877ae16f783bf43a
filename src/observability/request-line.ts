import type { FastifyBaseLogger } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import { escapeNonAscii } from './log-stream.ts'
import { timeNow } from './log-time.ts'

/** What the log tells of a request. */
export interface RequestLine {
  requestId: string
  operation: string
  method: string
  route: string | undefined
  status: number
  problem: string | undefined
  /** Why a call to HOSTKEY failed on the way. */
  cause: string | undefined
  ms: number
  upstreamMs: number
  upstreamCalls: number
  caller: string | undefined
  ip: string
  clientAborted: true | undefined
}

/**
 * Makes the function that writes the line of a request. It needs neither pino's redaction nor its serialisers, because its
 * members are listed above: composing it takes a tenth of the time.
 */
export const createRequestLines = (base: FastifyBaseLogger): ((line: RequestLine, traceId?: string) => void) => {
  // It is pino's. Fastify's type knows less of it, and pino's own does not name the stream to which it writes.
  const log = base as Logger & { [pino.symbols.streamSym]: DestinationStream }
  const stream = log[pino.symbols.streamSym]
  return (line, traceId) => {
    if (log.isLevelEnabled('info')) stream.write(textOf(line, traceId))
  }
}

const textOf = (line: RequestLine, traceId: string | undefined): string =>
  `{"level":"info","time":"${timeNow()}","requestId":${quoted(line.requestId)}${member('traceId', traceId)},"operation":${quoted(line.operation)}` +
  `,"method":${quoted(line.method)}${member('route', line.route)},"status":${line.status}${member('problem', line.problem)}` +
  `${member('cause', line.cause)},"ms":${tenths(line.ms)},"upstreamMs":${tenths(line.upstreamMs)}` +
  `,"upstreamCalls":${line.upstreamCalls}${member('caller', line.caller)},"ip":${quoted(line.ip)}` +
  `${line.clientAborted ? ',"clientAborted":true' : ''},"msg":"request"}\n`

/** Text that JSON and the log write as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : escapeNonAscii(JSON.stringify(text)))

const member = (name: string, text: string | undefined): string =>
  text === undefined ? '' : `,"${name}":${quoted(text)}`

const tenths = (ms: number): number => Math.round(ms * 10) / 10
