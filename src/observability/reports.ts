import type { Logger } from 'pino'
import type { OnCircuitStateChange } from '../upstream/resilience/circuit-breakers.ts'
import type { Observation } from '../upstream/resilience/observation.ts'
import type { Metrics } from './metrics.ts'

/** Writes events of HOSTKEY, the store and the audit log to the log and the metrics. */
export interface Reports {
  /** The store failed, or answers again when undefined. */
  store(cause: Error | undefined): void
  /** A call of HOSTKEY ended. */
  call(observation: Observation): void
  /** HOSTKEY does not know an action; the gateway uses another one instead. */
  actionMissing(action: string): void
  /** The circuit breaker of a call class opened or closed. */
  circuitState: OnCircuitStateChange
  /** The audit log cannot be written: the code of the error; undefined when it can be written again. */
  audit(code: string | undefined): void
}

export const createReports = ({ metrics, log }: { metrics: Metrics; log: Logger }): Reports => ({
  store(cause) {
    // Only the message: the error also holds the Redis command, which may contain the password.
    if (cause) log.error({ reason: cause.message }, 'the store does not answer')
    else log.info('the store answers again')
  },
  call(observation) {
    metrics.upstreamCall(observation)
    const { action, unclassifiedText } = observation
    if (unclassifiedText !== undefined) {
      log.warn({ action, upstreamText: unclassifiedText }, 'HOSTKEY refused with an unclassified text')
    }
  },
  actionMissing: action => log.warn({ action }, 'HOSTKEY does not know this action; another one is used instead'),
  circuitState(name, isOpen) {
    metrics.circuitState(name, isOpen)
    if (isOpen) log.warn({ class: name }, 'HOSTKEY is failing; calls are paused')
    else log.info({ class: name }, 'HOSTKEY answers again; calls are resumed')
  },
  audit(code) {
    if (code !== undefined) log.error({ reason: code }, 'the audit log cannot be written')
    else log.info('the audit log is written again')
  }
})
