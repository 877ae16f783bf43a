import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { version } from '../core/version.ts'
import type { Reuse } from '../upstream/resilience/reuse.ts'
import { type AuditEvent, auditEvents } from './audit-events.ts'
import { createCounter } from './counters.ts'
import type { LimitDecisions } from './limit-decisions.ts'

/** References of undeclared texts that are counted by name; HOSTKEY could make any number of texts. */
const MAX_REFERENCES = 64

const STORE_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]

const RETRY_REASONS = ['not-sent', 'early'] as const

/** What the gateway did: for the person who is called at night. */
export interface ActivityMetrics {
  /** One event of the audit log. */
  auditEvent(event: AuditEvent, outcome: string): void
  /** Reports what the limits decided, whenever the metrics are read. */
  watchLimits(decisions: LimitDecisions): void
  /** A call to HOSTKEY is sent again. @param reason the stage at which it failed */
  retry(callClass: string, reason: string): void
  /** HOSTKEY refused with a text that no declared wording explains. */
  undeclaredText(action: string, reference: string): void
  /** A command of SQLite or Redis ended. */
  storeCommand(ms: number, isAnswered: boolean): void
  /** Reports reads that were not sent to HOSTKEY, whenever the metrics are read. */
  watchReuse(reuse: Readonly<Reuse>): void
}

export const createActivityMetrics = (registry: Registry, callClasses: readonly string[]): ActivityMetrics => {
  const registers = [registry]
  new Gauge({
    name: 'gateway_build_info',
    help: 'Always 1; the labels say which version runs on which Node.js.',
    labelNames: ['version', 'node'],
    aggregator: 'max',
    registers
  }).set({ version, node: process.versions.node }, 1)
  const events = createCounter(registry, {
    name: 'gateway_audit_events_total',
    help: 'Events of the audit log by outcome (ok or the name of a problem): logins, orders, deletions, ended sessions.',
    known: Object.keys(auditEvents).map(event => ({ event, outcome: 'ok' }))
  })
  const retries = createCounter(registry, {
    name: 'gateway_upstream_retries_total',
    help: 'Calls to HOSTKEY that were sent again, by call class and by how far the first one came: not-sent or early.',
    known: callClasses.flatMap(name => RETRY_REASONS.map(reason => ({ class: name, reason })))
  })
  const texts = new Counter({
    name: 'gateway_upstream_undeclared_texts_total',
    help: 'Refusals of HOSTKEY whose text matches no declared failure, by action and by the reference that the log explains.',
    labelNames: ['action', 'reference'],
    registers
  })
  const references = new Set<string>()
  const commands = new Histogram({
    name: 'gateway_store_command_duration_seconds',
    help: 'Duration of commands to SQLite or Redis that were answered.',
    buckets: STORE_SECONDS,
    registers
  })
  const unanswered = createCounter(registry, {
    name: 'gateway_store_command_failures_total',
    help: 'Commands to SQLite or Redis that failed or were not answered in time.',
    known: [{ part: 'all' }]
  })
  return {
    auditEvent: (event, outcome) => events.inc({ event, outcome }),
    watchLimits(decisions) {
      new Counter({
        name: 'gateway_rate_limit_decisions_total',
        help: 'Requests by limit and decision: allowed or refused. A request is checked against several limits.',
        labelNames: ['limit', 'decision'],
        registers,
        collect() {
          this.reset()
          for (const [limit, { allowed, refused }] of decisions) {
            this.inc({ limit, decision: 'allowed' }, allowed)
            this.inc({ limit, decision: 'refused' }, refused)
          }
        }
      })
    },
    retry: (name, reason) => retries.inc({ class: name, reason }),
    undeclaredText(action, reference) {
      if (references.size < MAX_REFERENCES) references.add(reference)
      texts.inc({ action, reference: references.has(reference) ? reference : 'other' })
    },
    storeCommand(ms, isAnswered) {
      if (isAnswered) commands.observe(ms / 1000)
      else unanswered.inc({ part: 'all' })
    },
    watchReuse(reuse) {
      new Counter({
        name: 'gateway_upstream_reuse_total',
        help: 'Reads by where the answer came from: cache (the plans), coalesced (the call of an identical request), sent.',
        labelNames: ['source'],
        registers,
        collect() {
          this.reset()
          this.inc({ source: 'cache' }, reuse.cached)
          this.inc({ source: 'coalesced' }, reuse.coalesced)
          this.inc({ source: 'sent' }, reuse.sent)
        }
      })
    }
  }
}
