import { Problem, type ProblemOptions } from '../../core/problem.ts'
import type { Stage, TransportCause } from './failure-stage.ts'

/** Also the names of the errors with which the transport aborts a request: at its deadline, or when the caller disconnects. */
const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'TimeoutError', 'AbortError'])

/** The connection was lost after the request was begun. */
const CONNECTION_LOST = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** undici uses the same code for a reply that it refuses, such as 101: that is an answer, not a lost connection. */
const isConnectionLost = (error: unknown, code: string): boolean =>
  CONNECTION_LOST.has(code) && !(error instanceof Error && /^bad (response|upgrade)$/.test(error.message))

const MAX_CODE_LENGTH = 64

/** The code of an error, or its name: a word, never a message, because a library may quote its input there. */
const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return 'unknown'
  const proxyStatus = error instanceof Error ? /^Proxy response \((\d{3})\)/.exec(error.message)?.[1] : undefined
  if (proxyStatus) return `PROXY_${proxyStatus}`
  const { code, name } = error as { code?: unknown; name?: unknown }
  const word = [code, name].find(each => typeof each === 'string' && each !== '') ?? 'unknown'
  // OpenSSL has codes with other characters, such as ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
  return String(word).replace(/\W+/g, '_').slice(0, MAX_CODE_LENGTH)
}

interface FailedRequest {
  /**
   * `unsent`: no connection was ready, or no byte of the request was handed to it · `sent`: a byte may have reached
   * HOSTKEY · `answering`: the status and headers of the reply had arrived
   */
  progress: 'unsent' | 'sent' | 'answering'
  isWrite: boolean
}

/** The problem that an error of the HTTP client means. The progress decides whether the request was sent, whatever the error is called. */
export const transportProblem = (error: unknown, { progress, isWrite }: FailedRequest): Problem => {
  const code = codeOf(error)
  const optionsAt = (stage: Stage): ProblemOptions => ({
    cause: { code, stage } satisfies TransportCause,
    ...(isWrite && { outcome: stage === 'not-sent' ? ('not-applied' as const) : ('unknown' as const) })
  })
  if (progress === 'unsent') {
    return new Problem('upstream-unreachable', 'HOSTKEY could not be reached; nothing was sent.', optionsAt('not-sent'))
  }
  if (TIMEOUTS.has(code)) {
    return new Problem('upstream-timeout', 'HOSTKEY did not answer in time.', optionsAt('ambiguous'))
  }
  const isLost = isConnectionLost(error, code)
  if (isLost && progress === 'sent') {
    return new Problem('upstream-timeout', 'HOSTKEY closed the connection without an answer.', optionsAt('early'))
  }
  const detail = 'The answer of HOSTKEY is incomplete or cannot be decoded.'
  return new Problem('upstream-bad-response', detail, optionsAt(isLost ? 'early' : 'ambiguous'))
}
