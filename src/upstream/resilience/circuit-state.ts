/** What a caller's last call in the window said. */
export interface Activity {
  at: number
  hasFailed: boolean
  /** Is it a token that has not been looked up? It may be of the same customer as others. */
  isUnresolved: boolean
}

/** Calls and failures in each of the last seconds; failures in a row; who called. */
export interface Closed {
  readonly name: 'closed'
  consecutiveFailures: number
  seconds: { second: number; calls: number; failures: number }[]
  readonly callers: Map<string, Activity>
  readonly failedIds: Set<string>
}

/**
 * No call is sent, except those of callers that the evidence says nothing about. From `probeAt` on, the next call is a
 * probe; a write class waits for answered reads instead.
 */
export interface Open {
  readonly name: 'open'
  readonly probeAt: number
  /** Who had failed. */
  readonly callers: Set<string>
  /** The credentials that had failed: another one at the same address may be that of a customer. */
  readonly failedIds: Set<string>
  /** Addresses at which such a credential is being tried. */
  readonly trying: Set<string>
  answeredReads: number
}

/** Probes are in flight, each of another caller. No other call is sent. */
export interface HalfOpen {
  readonly name: 'half-open'
  readonly open: Open
  readonly probing: Set<string>
  readonly failed: Set<string>
  /** Until then other callers may prove that HOSTKEY works, although a probe has failed. */
  readonly until: number
}

export type State = Closed | Open | HalfOpen

export const closed = (): Closed => ({
  name: 'closed',
  consecutiveFailures: 0,
  seconds: [],
  callers: new Map(),
  failedIds: new Set()
})
