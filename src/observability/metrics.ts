import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CallClass } from '../upstream/resilience/call-classes.ts'
import type { Observation } from '../upstream/resilience/observation.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** What the gateway counts. No label ever holds what a caller sent. */
export interface Metrics {
  registry: Registry
  /** One reply. `problem` is empty on a success. */
  request(operation: string, status: number, problem: string, ms: number): void
  /** One connection that was closed at once, because its listener takes no more. */
  connectionDropped(listener: 'public' | 'management'): void
  /** One call of HOSTKEY. */
  upstreamCall(observation: Observation): void
  /** Are calls of a class held back, because HOSTKEY keeps failing? */
  upstreamRest(name: CallClass['name'], isResting: boolean): void
}

/** @param options.defaults also the process's own metrics: memory, event loop */
export const createMetrics = ({ defaults = false } = {}): Metrics => {
  const registry = new Registry()
  if (defaults) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Histogram({
    name: 'gateway_request_seconds',
    help: 'Duration of requests, by operation, status and problem.',
    labelNames: ['operation', 'status', 'problem'],
    buckets: SECONDS,
    registers
  })
  const dropped = new Counter({
    name: 'gateway_connections_dropped_total',
    help: 'Connections closed at once, because their listener takes no more, by listener.',
    labelNames: ['listener'],
    registers
  })
  const calls = new Histogram({
    name: 'gateway_upstream_seconds',
    help: 'Duration of calls to HOSTKEY, by action and result.',
    labelNames: ['action', 'result'],
    buckets: SECONDS,
    registers
  })
  const refusals = new Counter({
    name: 'gateway_upstream_refused_total',
    help: 'Refusals of HOSTKEY in words that no failure declares, by action; the log has the words.',
    labelNames: ['action'],
    registers
  })
  const resting = new Gauge({
    name: 'gateway_upstream_resting',
    help: '1 while calls of a class are not sent, because HOSTKEY keeps failing.',
    labelNames: ['class'],
    registers
  })
  return {
    registry,
    request: (operation, status, problem, ms) => requests.observe({ operation, status, problem }, ms / 1000),
    connectionDropped: listener => dropped.inc({ listener }),
    upstreamCall({ action, result, ms }) {
      calls.observe({ action, result }, ms / 1000)
      if (result === 'upstream-refused') refusals.inc({ action })
    },
    upstreamRest: (name, isResting) => resting.set({ class: name }, isResting ? 1 : 0)
  }
}
