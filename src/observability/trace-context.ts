import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** The caller's part of a distributed trace (W3C Trace Context). */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16 hexadecimal digits. */
  spanId: string
  isSampled: boolean
}

/** Later versions begin like version 00. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/

/** The header `traceparent` of a request; undefined where it is invalid, or holds a part of the caller's credential. */
export const traceParentOf = (headers: IncomingHttpHeaders): TraceParent | undefined => {
  const found = TRACEPARENT.exec(String(headers['traceparent']))
  if (!found) return undefined
  const [, traceId = '', spanId = '', flags = ''] = found
  const credentials = `${headers.authorization} ${headers.cookie}`
  // A token of HOSTKEY has the form of a trace id.
  if (credentials.includes(traceId) || credentials.includes(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

/** The trace of a request, for the log; undefined for most requests. */
export const traceIdOf = (headers: IncomingHttpHeaders): string | undefined =>
  headers['traceparent'] === undefined ? undefined : traceParentOf(headers)?.traceId

export const randomSpanId = (): string => randomBytes(8).toString('hex')
export const randomTraceId = (): string => randomBytes(16).toString('hex')

export const traceHeader = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
