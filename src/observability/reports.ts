import type { Logger } from 'pino'
import { isUnavailable, type StoreFault, type StorePart } from '../store/faults.ts'
import type { Drift } from '../upstream/protocol/verdict.ts'
import type { OnCircuitStateChange } from '../upstream/resilience/circuit-breakers.ts'
import type { Observation } from '../upstream/resilience/observation.ts'
import type { Metrics } from './metrics.ts'

/** Writes events of HOSTKEY, the store and the audit log to the log and the metrics. */
export interface Reports {
  /** The store or the ledger became faulty, its fault changed, or it works again when undefined. */
  store(part: StorePart, fault: StoreFault | undefined): void
  /** A call of HOSTKEY ended. */
  call(observation: Observation): void
  /** HOSTKEY sent a member of another kind than documented. */
  drift(drift: Drift): void
  /** HOSTKEY does not know an action; the gateway uses another one instead. */
  actionMissing(action: string): void
  /** The circuit breaker of a call class opened or closed. */
  circuitState: OnCircuitStateChange
  /** The audit log cannot be written: the code of the error; undefined when it can be written again. */
  audit(code: string | undefined): void
}

export const createReports = ({ metrics, log }: { metrics: Metrics; log: Logger }): Reports => {
  /** Kinds of drift that the log has: as many as the actions declare members, at most. */
  const logged = new Set<string>()
  return {
    store(part, fault) {
      if (!fault) return log.info({ part }, 'the store answers again')
      metrics.storeFault(part, fault.cause)
      const { cause, code, detail } = fault
      const message = isUnavailable(cause) ? 'the store does not answer' : 'the store refuses its work'
      log.error({ part, cause, code, reason: detail }, message)
    },
    call(observation) {
      metrics.upstreamCall(observation)
      const { action, result, unexplained } = observation
      if (!unexplained) return
      const { reference, text: upstreamText } = unexplained
      log.warn({ action, problem: result, reference, upstreamText }, 'HOSTKEY refused with an undeclared text')
    },
    drift(drift) {
      metrics.drift(drift)
      const { action, member, kind } = drift
      const name = `${action} ${member} ${kind}`
      if (logged.has(name)) return
      logged.add(name)
      log.warn(
        { action, member, kind },
        'HOSTKEY sent a member of another kind than documented; the gateway does without it'
      )
    },
    actionMissing: action => log.warn({ action }, 'HOSTKEY does not know this action; another one is used instead'),
    circuitState(name, isOpen) {
      metrics.circuitState(name, isOpen)
      if (isOpen) log.warn({ class: name }, 'HOSTKEY is failing; calls are paused')
      else log.info({ class: name }, 'HOSTKEY answers again; calls are resumed')
    },
    audit(code) {
      if (code !== undefined) {
        metrics.auditFault()
        log.error({ reason: code }, 'the audit log cannot be written: make room on its disk, or check AUDIT_LOG')
      } else log.info('the audit log is written again')
    }
  }
}
