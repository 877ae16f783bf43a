/** What the probe can be asked: to collect garbage, to start or to stop counting asynchronous resources, or neither. */
export type Question = 'heap' | 'collect' | 'hook' | 'unhook'

/** The state of the gateway's process. Counts grow from its start. */
export interface Probed {
  heapBytes: number
  /** Garbage collections. */
  collections: number
  /** Asynchronous resources made while they are counted: promises, ticks, timers, sockets. */
  resources: number
}
