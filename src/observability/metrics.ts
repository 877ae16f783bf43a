import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { problemNames } from '../../schemas/problems.ts'
import { type StoreCause, type StorePart, storeCauses, storeParts } from '../store/faults.ts'
import { actions } from '../upstream/actions/index.ts'
import * as logins from '../upstream/actions/sessions.ts'
import { driftingMembersOf } from '../upstream/protocol/coercion.ts'
import { problemsOf } from '../upstream/protocol/failures.ts'
import type { Drift } from '../upstream/protocol/verdict.ts'
import type { Bulkheads } from '../upstream/resilience/bulkhead.ts'
import { classOf } from '../upstream/resilience/call-classes.ts'
import type { OnCircuitStateChange } from '../upstream/resilience/circuit-breakers.ts'
import type { Observation } from '../upstream/resilience/observation.ts'
import { type ActivityMetrics, createActivityMetrics } from './activity.ts'
import { createCounter } from './counters.ts'
import { createStoredMetrics, type StoredMetrics } from './stored.ts'

/** Different causes of failed calls that are counted by name; the codes of OpenSSL are many. */
const MAX_CAUSES = 64

/** Causes of failures that occur often. */
const KNOWN_CAUSES = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'].map(
    cause => ({ cause, stage: 'not-sent' })
  ),
  ...['ECONNRESET', 'UND_ERR_SOCKET', 'HTTP 502', 'HTTP 503', 'HTTP 504'].map(cause => ({ cause, stage: 'early' })),
  ...['TimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'HTTP 500'].map(cause => ({ cause, stage: 'ambiguous' }))
]

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Gauges of prom-client with the name of a counter: each is the sum of a metric that stays. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

const LISTENERS = ['public', 'management'] as const

const declaredActions = [...Object.values(actions), ...Object.values(logins)]

/** Every failure of a call that is declared, and a fault of the gateway. */
const knownFailures = declaredActions.flatMap(action =>
  [...problemsOf(action), 'internal'].map(result => ({ action: action.name, result }))
)

/** The metrics of the gateway. No label ever holds a value that a caller sent. */
export interface Metrics extends ActivityMetrics, StoredMetrics {
  registry: Registry
  /** One reply. `problem` is empty on a success. */
  request(operation: string, status: number, problem: string, ms: number): void
  /** One connection closed at once, because its listener was full. */
  connectionDropped(listener: (typeof LISTENERS)[number]): void
  /** One idle connection of a proxy that the gateway closed. */
  idleProxyConnectionClosed(): void
  /** One call of HOSTKEY. */
  upstreamCall(observation: Observation): void
  /** A store became faulty, or its fault changed. */
  storeFault(part: StorePart, cause: StoreCause): void
  /** The audit log can no longer be written. */
  auditFault(): void
  /** A member of a reply of HOSTKEY of another kind than documented. */
  drift(drift: Drift): void
  /** The circuit breaker of a call class opened or closed. */
  circuitState: OnCircuitStateChange
  /** Reports the slots of each call class, whenever the metrics are read. */
  watchSlots(bulkheads: Bulkheads): void
  /** Verdicts of a kind of jobs. */
  jobItems(kind: string, verdicts: readonly { verdict: string }[]): void
  /** Reports when the credentials of services expire. @param services those of the registry, milliseconds since 1970 */
  watchServices(services: () => Iterable<{ id: string; expiresAt: number }>): void
}

/** @param options.defaults adds the metrics of the process: memory, event loop */
export const createMetrics = ({ defaults = false } = {}): Metrics => {
  const registry = new Registry()
  if (defaults) {
    collectDefaultMetrics({ register: registry })
    for (const name of MISNAMED) registry.removeSingleMetric(name)
  }
  const registers = [registry]
  const requests = new Histogram({
    name: 'gateway_request_duration_seconds',
    help: 'Duration of requests by operation, status and problem.',
    labelNames: ['operation', 'status', 'problem'],
    buckets: SECONDS,
    registers
  })
  const failures = createCounter(registry, {
    name: 'gateway_request_failures_total',
    help: 'Requests answered with a problem, by problem.',
    known: problemNames.map(problem => ({ problem }))
  })
  const dropped = createCounter(registry, {
    name: 'gateway_connections_dropped_total',
    help: 'Connections closed at once because their listener was full, by listener.',
    known: LISTENERS.map(listener => ({ listener }))
  })
  const idleClosed = createCounter(registry, {
    name: 'gateway_idle_proxy_connections_closed_total',
    help: 'Idle connections of a proxy that the gateway closed; the proxy should close them first.',
    known: [{ listener: 'public' }]
  })
  const calls = new Histogram({
    name: 'gateway_upstream_call_duration_seconds',
    help: 'Duration of calls to HOSTKEY by action and result.',
    labelNames: ['action', 'result'],
    buckets: SECONDS,
    registers
  })
  const callFailures = createCounter(registry, {
    name: 'gateway_upstream_call_failures_total',
    help: 'Failed calls to HOSTKEY by action and result.',
    known: knownFailures
  })
  const unclassified = createCounter(registry, {
    name: 'gateway_upstream_unclassified_refusals_total',
    help: 'Refusals of HOSTKEY whose text matches no declared failure, by action; the log has the text.',
    known: declaredActions.map(({ name }) => ({ action: name }))
  })
  const storeFaults = createCounter(registry, {
    name: 'gateway_store_faults_total',
    help: 'Times that the store or the order ledger became faulty, by cause; the log and /readyz say what to do.',
    known: storeParts.flatMap(part => storeCauses.map(cause => ({ part, cause })))
  })
  const auditFaults = createCounter(registry, {
    name: 'gateway_audit_faults_total',
    help: 'Times that the audit log became unwritable; the log has the code.',
    known: [{ log: 'audit' }]
  })
  const drifts = createCounter(registry, {
    name: 'gateway_upstream_drift_total',
    help: 'Replies of HOSTKEY with a member of another kind than documented, by action and member; the gateway does without it.',
    known: declaredActions.flatMap(({ name, result }) =>
      driftingMembersOf(result).map(member => ({ action: name, member }))
    )
  })
  const jobItems = createCounter(registry, {
    name: 'gateway_job_items_total',
    help: 'What jobs have done, by kind and outcome: its rate is files a second.',
    known: ['deleted', 'missing', 'failed'].map(outcome => ({ kind: 'file-deletion', outcome }))
  })
  const transportFailures = createCounter(registry, {
    name: 'gateway_upstream_transport_failures_total',
    help: 'Calls to HOSTKEY that failed on the way, by cause (a code such as ECONNREFUSED or CERT_HAS_EXPIRED) and by stage: not-sent, early or ambiguous.',
    known: KNOWN_CAUSES
  })
  const causes = new Set(KNOWN_CAUSES.map(({ cause }) => cause))
  const causeLabel = (code: string): string => {
    if (causes.size < MAX_CAUSES) causes.add(code)
    return causes.has(code) ? code : 'other'
  }
  const openCircuits = new Gauge({
    name: 'gateway_circuit_breaker_open',
    help: '1 while the circuit breaker of a call class is open and its calls are not sent, else 0.',
    labelNames: ['class'],
    // Of several workers: 1 while it is open in one of them.
    aggregator: 'max',
    registers
  })
  for (const { name } of Object.values(classOf)) openCircuits.set({ class: name }, 0)
  const activity = createActivityMetrics(
    registry,
    Object.values(classOf).map(({ name }) => name)
  )
  return {
    ...activity,
    ...createStoredMetrics(registry),
    registry,
    request(operation, status, problem, ms) {
      requests.observe({ operation, status, problem }, ms / 1000)
      if (problem !== '') failures.inc({ problem })
    },
    idleProxyConnectionClosed: () => idleClosed.inc({ listener: 'public' }),
    connectionDropped: listener => dropped.inc({ listener }),
    upstreamCall({ action, result, ms, cause, unexplained }) {
      calls.observe({ action, result }, ms / 1000)
      if (result !== 'ok') callFailures.inc({ action, result })
      if (cause) transportFailures.inc({ cause: causeLabel(cause.code), stage: cause.stage })
      if (result === 'upstream-refused') unclassified.inc({ action })
      if (unexplained) activity.undeclaredText(action, unexplained.reference)
    },
    storeFault: (part, cause) => storeFaults.inc({ part, cause }),
    auditFault: () => auditFaults.inc({ log: 'audit' }),
    drift: ({ action, member }) => drifts.inc({ action, member }),
    circuitState: (name, isOpen) => openCircuits.set({ class: name }, isOpen ? 1 : 0),
    watchSlots(bulkheads) {
      new Gauge({
        name: 'gateway_upstream_slots_used',
        help: 'Slots in use by call class.',
        labelNames: ['class'],
        registers,
        collect() {
          for (const [name, { inFlight }] of Object.entries(bulkheads)) this.set({ class: name }, inFlight)
        }
      })
      new Gauge({
        name: 'gateway_upstream_calls_waiting',
        help: 'Calls that wait for a slot, by call class.',
        labelNames: ['class'],
        registers,
        collect() {
          for (const [name, { waiting }] of Object.entries(bulkheads)) this.set({ class: name }, waiting)
        }
      })
    },
    jobItems(kind, verdicts) {
      for (const { verdict } of verdicts) jobItems.inc({ kind, outcome: verdict })
    },
    watchServices(services) {
      new Gauge({
        name: 'gateway_service_credential_expiry_timestamp_seconds',
        help: 'When the credential of a service expires, seconds since 1970, by service.',
        labelNames: ['service'],
        // Workers have the same registry.
        aggregator: 'max',
        registers,
        collect() {
          this.reset()
          for (const { id, expiresAt } of services()) {
            if (Number.isFinite(expiresAt)) this.set({ service: id }, expiresAt / 1000)
          }
        }
      })
    }
  }
}
