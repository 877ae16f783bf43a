import { Problem, type ProblemOptions } from '../../core/problem.ts'
import type { Stage, TransportCause } from './failure-stage.ts'

/** Errors that prove that nothing was sent. After any other error something may have been sent. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])

/** Also the names of the errors with which the transport aborts a request: at its deadline, or when the caller disconnects. */
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TimeoutError', 'AbortError'])

/** The connection was lost after the request was begun. */
const CONNECTION_LOST = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** undici uses the same code for a reply that it refuses, such as 101: that is an answer, not a lost connection. */
const isConnectionLost = (error: unknown, code: string): boolean =>
  CONNECTION_LOST.has(code) && !(error instanceof Error && /^bad (response|upgrade)$/.test(error.message))

const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

interface FailedRequest {
  /** The status and headers of the reply had arrived. */
  hasHeaders: boolean
  isWrite: boolean
}

/** The problem that an error of the HTTP client means. */
export const transportProblem = (error: unknown, { hasHeaders, isWrite }: FailedRequest): Problem => {
  const code = codeOf(error) || (error instanceof Error ? error.name : 'unknown')
  // Only the code is logged, so that no message of a library can quote the form.
  const optionsAt = (stage: Stage): ProblemOptions => ({
    cause: { code, stage } satisfies TransportCause,
    ...(isWrite && { outcome: stage === 'not-sent' ? ('not-applied' as const) : ('unknown' as const) })
  })
  if (NOT_SENT.has(code)) {
    return new Problem('upstream-unreachable', 'HOSTKEY could not be reached; nothing was sent.', optionsAt('not-sent'))
  }
  if (TIMEOUTS.has(code)) {
    return new Problem('upstream-timeout', 'HOSTKEY did not answer in time.', optionsAt('ambiguous'))
  }
  const isLost = isConnectionLost(error, code)
  if (isLost && !hasHeaders) {
    return new Problem('upstream-timeout', 'HOSTKEY closed the connection without an answer.', optionsAt('early'))
  }
  const detail = 'The answer of HOSTKEY is incomplete or cannot be decoded.'
  return new Problem('upstream-bad-response', detail, optionsAt(isLost ? 'early' : 'ambiguous'))
}
