import type { Secret } from './secret.ts'

/** Whoever sends us a request: what every door makes of its credential. */
export interface Caller {
  /** A stable name of the caller that gives no credential away: for limits and logs. */
  readonly id: string
  /** What HOSTKEY issued; spent in the upstream client and nowhere else. */
  readonly token: Secret
}

/** One request's errand upstream: who asks, when to give up, and what it took so far. */
export interface Errand {
  readonly caller: Caller
  /** Aborts when the caller hangs up; reads stop then, writes never do. */
  readonly signal: AbortSignal
  /** Adds up what the upstream took, for the log and `Server-Timing`. */
  readonly spent: { ms: number; calls: number }
}

const never = new AbortController().signal

/** The same errand, carried on even when the caller hangs up: after a write we want to know what became of it. */
export const unhurried = (errand: Errand): Errand => ({ ...errand, signal: never })
