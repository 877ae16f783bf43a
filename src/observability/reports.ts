import type { Logger } from 'pino'
import type { CallClass } from '../upstream/resilience/call-classes.ts'
import type { Observation } from '../upstream/resilience/observation.ts'
import type { Metrics } from './metrics.ts'

/** What operators are told of HOSTKEY and the store, in the log and in metrics. */
export interface Reports {
  /** The store is away, or there again. */
  store(cause: Error | undefined): void
  /** How a call of HOSTKEY went. */
  call(observation: Observation): void
  /** Calls of a class are held back because HOSTKEY keeps failing, or are sent again. */
  rest(name: CallClass['name'], isResting: boolean): void
  /** The audit log cannot be written, and why; or it can again. */
  audit(code: string | undefined): void
}

export const createReports = ({ metrics, log }: { metrics: Metrics; log: Logger }): Reports => ({
  store(cause) {
    // The text alone: the error holds the command, which may be the one that logs in.
    if (cause) log.error({ reason: cause.message }, 'the store does not answer')
    else log.info('the store answers again')
  },
  call(observation) {
    metrics.upstreamCall(observation)
    const { action, unknownText } = observation
    if (unknownText !== undefined) log.warn({ action, upstreamText: unknownText }, 'HOSTKEY refused in unknown words')
  },
  rest(name, isResting) {
    metrics.upstreamRest(name, isResting)
    if (isResting) log.warn({ class: name }, 'HOSTKEY keeps failing: these calls are not sent for a moment')
    else log.info({ class: name }, 'HOSTKEY answers again')
  },
  audit(code) {
    if (code !== undefined) log.error({ reason: code }, 'the audit log cannot be written')
    else log.info('the audit log is written again')
  }
})
