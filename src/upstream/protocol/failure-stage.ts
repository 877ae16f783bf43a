import { isProblem, Problem } from '../../core/problem.ts'

/**
 * How far a failed call had come; decides whether it may be repeated.
 * `not-sent`: no connection was ready, or no byte of the request was handed to one · `early`: the connection broke before
 * an answer, or a proxy in front of HOSTKEY answered 502, 503 or 504 · `ambiguous`: every other failure, unknown ones
 * included.
 */
export type Stage = 'not-sent' | 'early' | 'ambiguous'

/** Cause of a problem on the way to HOSTKEY or back; for log and metrics. */
export interface TransportCause {
  /** Such as `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `PROXY_407` or `HTTP 502`: never text from outside. */
  code: string
  stage: Stage
}

/** The cause of this very error. */
const ownCauseOf = (error: unknown): TransportCause | undefined => {
  if (!(error instanceof Problem)) return undefined
  const { cause } = error.options
  return typeof cause === 'object' && cause !== null && 'stage' in cause ? (cause as TransportCause) : undefined
}

/** The cause of a failed call, also of one that failed because of another; undefined when HOSTKEY answered. */
export const transportCauseOf = (error: unknown): TransportCause | undefined =>
  ownCauseOf(error) ?? (error instanceof Problem ? ownCauseOf(error.options.cause) : undefined)

/** The stage of a failed call; undefined when HOSTKEY answered or the error has another origin. */
export const stageOf = (error: unknown): Stage | undefined => ownCauseOf(error)?.stage

/**
 * May HOSTKEY still execute the call? True when no answer came, and when a proxy answered instead of PHP: nginx sends 502
 * when it lost the connection to PHP, 504 when PHP was too slow, and some proxies send 503 for either.
 */
export const mayStillExecute = (error: Problem): boolean =>
  error.problem === 'upstream-timeout' || stageOf(error) === 'early'

/** Is the outcome of a write unknown, because its answer was lost or unreadable? */
export const isOutcomeLost = (error: unknown): error is Problem =>
  isProblem(error, 'upstream-timeout', 'upstream-bad-response') && error.options.outcome === 'unknown'
