import { isProblem, Problem } from '../../core/problem.ts'

/**
 * What is known of a call that failed (RELIABILITY 4.1).
 * `not-sent`: nothing left this machine · `early`: the connection broke, or HOSTKEY's front answered 502 to 504 ·
 * `ambiguous`: anything else, known or not.
 */
export type Stage = 'not-sent' | 'early' | 'ambiguous'

/** The log's part of a failure on the wire. */
export interface WireCause {
  code: string
  stage: Stage
}

/** How far a failed call had come; undefined when HOSTKEY answered, or the failure is not the wire's. */
export const stageOf = (error: unknown): Stage | undefined => {
  if (!(error instanceof Problem)) return undefined
  const { cause } = error.options
  return typeof cause === 'object' && cause !== null && 'stage' in cause ? (cause as WireCause).stage : undefined
}

/**
 * May HOSTKEY still be at it? Where nobody has answered, the connection broke, or a front has answered in the place of
 * PHP: 504 is a timeout, 502 such a broken connection one hop further on, and some fronts say 503 of one too.
 */
export const isUnended = (error: Problem): boolean => error.problem === 'upstream-timeout' || stageOf(error) === 'early'

/** Is it open what became of a write, because its answer was lost or makes no sense? */
export const isLost = (error: unknown): error is Problem =>
  isProblem(error, 'upstream-timeout', 'upstream-bad-response') && error.options.outcome === 'unknown'
