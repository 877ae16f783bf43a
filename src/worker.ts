import cluster from 'node:cluster'
import { AggregatorRegistry, type Registry } from 'prom-client'
import type { ReadinessFault } from './http/management.ts'

/** What the supervisor sends to a worker. */
export type Order = { type: 'drain' } | { type: 'reload' } | { type: 'findFaults'; id: number }

/** What a worker sends to the supervisor. */
export type Report = { type: 'started'; url: string } | { type: 'faults'; id: number; faults: ReadinessFault[] }

export interface WorkerOptions {
  url: string
  registry: Registry
  findFaults: () => Promise<ReadinessFault[]>
  reload: () => void
  drain: () => void
}

/** Signals that a terminal or systemd sends to every process of the group: the supervisor answers them for its workers. */
export const SUPERVISED = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP'] as const

export const leaveSignalsToSupervisor = (): void => {
  for (const signal of SUPERVISED) process.on(signal, () => undefined)
}

/** Makes this process a worker: it does what its supervisor says, and drains when its supervisor is gone. */
export const obeySupervisor = ({ url, registry, findFaults, reload, drain }: WorkerOptions): void => {
  // Answers the supervisor's requests for metrics.
  AggregatorRegistry.setRegistries(registry)
  new AggregatorRegistry()
  let isDraining = false
  const drainOnce = () => {
    if (!isDraining) drain()
    isDraining = true
  }
  const report = (message: Report) => process.connected && process.send?.(message)
  process.on('message', async (order: Order) => {
    if (order.type === 'drain') drainOnce()
    if (order.type === 'reload') reload()
    if (order.type === 'findFaults') report({ type: 'faults', id: order.id, faults: await findFaults() })
  })
  // By itself a worker of node:cluster ends at once when its supervisor is gone.
  if (cluster.worker) cluster.worker.exitedAfterDisconnect = true
  process.once('disconnect', drainOnce)
  report({ type: 'started', url })
}
