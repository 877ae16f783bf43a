import { Gauge, type Registry } from 'prom-client'
import { type JobStatistics, OPEN_STATES } from '../store/jobs.ts'

/** Of the orders that may still change. */
export interface OrderStatistics {
  states: Readonly<Record<string, number>>
  /** When the oldest was created, milliseconds since 1970. */
  oldestAt: number | undefined
}

/** What the stores hold. They are asked whenever the metrics are read; a store that does not answer has no series. */
export interface StoredMetrics {
  watchCredentials(count: Readonly<Record<'sessions' | 'tokens', () => Promise<number>>>): void
  watchOrders(statistics: () => Promise<OrderStatistics>): void
  watchJobs(statistics: () => Promise<JobStatistics>): void
}

export const createStoredMetrics = (registry: Registry): StoredMetrics => {
  const add = <T, const L extends string = never>(
    options: { name: string; help: string; labelNames?: readonly L[] },
    read: () => Promise<T>,
    show: (gauge: Gauge<L>, found: T) => void
  ) => {
    new Gauge<L>({
      ...options,
      // Workers and replicas share the stores: each reports all.
      aggregator: 'max',
      registers: [registry],
      async collect() {
        // Without labels `reset` would leave a 0.
        if (options.labelNames) this.reset()
        else this.remove()
        await read().then(
          found => show(this, found),
          () => undefined
        )
      }
    })
  }
  return {
    watchCredentials({ sessions, tokens }) {
      add(
        {
          name: 'gateway_sessions',
          help: 'Sessions of customers that are alive, of all replicas; one without a request counts for 20 minutes.'
        },
        sessions,
        (gauge, count) => gauge.set(count)
      )
      add(
        {
          name: 'gateway_derived_tokens',
          help: 'Tokens of the gateway (hkt_) that have neither expired nor been deleted, of all replicas.'
        },
        tokens,
        (gauge, count) => gauge.set(count)
      )
    },
    watchOrders(statistics) {
      const read = sharing(statistics)
      add(
        {
          name: 'gateway_orders',
          help: 'Orders and free accounts whose outcome is open, by state, of all replicas.',
          labelNames: ['state']
        },
        read,
        (gauge, { states }) => {
          for (const [state, count] of Object.entries(states)) gauge.set({ state }, count)
        }
      )
      add(
        {
          name: 'gateway_order_oldest_open_seconds',
          help: 'Age of the oldest of them, in seconds; 0 when none is open.'
        },
        read,
        (gauge, { oldestAt }) => gauge.set(ageOf(oldestAt))
      )
    },
    watchJobs(statistics) {
      const read = sharing(statistics)
      add(
        {
          name: 'gateway_jobs',
          help: 'Jobs that have not ended, by state, of all replicas.',
          labelNames: ['state']
        },
        read,
        (gauge, { states }) => {
          for (const state of OPEN_STATES) gauge.set({ state }, states[state] ?? 0)
        }
      )
      add(
        {
          name: 'gateway_job_oldest_queued_seconds',
          help: 'Age of the oldest job that waits, in seconds; 0 when none waits.'
        },
        read,
        (gauge, { oldestQueuedAt }) => gauge.set(ageOf(oldestQueuedAt))
      )
    }
  }
}

/** In seconds. */
const ageOf = (time: number | undefined): number => (time === undefined ? 0 : Math.max(0, (Date.now() - time) / 1000))

/** The metrics of one scrape are read at the same time: the store is asked once. */
const sharing = <T>(read: () => Promise<T>): (() => Promise<T>) => {
  let reading: Promise<T> | undefined
  return () => {
    reading ??= read().finally(() => {
      reading = undefined
    })
    return reading
  }
}
