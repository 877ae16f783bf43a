import { never, type StopSignal } from './abort.ts'
import type { Caller } from './caller.ts'
import type { Secret } from './secret.ts'

/** What one request took of HOSTKEY. */
export interface UpstreamTiming {
  ms: number
  calls: number
  /** Time in which calls waited for a slot. */
  queueMs?: number
  /** True once a write was sent: a replica that shuts down waits for its end. */
  hasWritten?: boolean
  /** Why the last call that failed on the way failed, such as `ECONNREFUSED`. */
  cause?: string
  /** What the audit log tells of the request, beside what its route declares. */
  facts?: Facts
}

/** Found out while a request is answered. */
export interface Facts {
  customerId?: number | undefined
  orderId?: string
  jobId?: string
  tokenId?: string
  /** What a job works on, and what it has done. */
  selection?: string
  counts?: string
  /** The account that was created. */
  s3uid?: string
  /** Was it answered from the ledger? */
  isReplayed?: boolean
}

/** Leaves facts about a request for the audit log. */
export const note = ({ upstream }: RequestContext, facts: Facts): void => {
  upstream.facts = { ...upstream.facts, ...facts }
}

export const noUpstreamTiming = (): UpstreamTiming => ({ ms: 0, calls: 0 })

/** What a call to HOSTKEY needs to know of the request that makes it: the caller, when to give up, and the time taken so far. */
export interface RequestContext {
  readonly caller: Caller
  /** Aborts when the caller disconnects, or with a Problem when the replica shuts down; ends reads, never writes. */
  readonly signal: StopSignal
  /** The caller's token, once it is known; a call keeps it although the caller may get another one meanwhile. */
  readonly token?: Secret
  /** Deadline of the call as a whole, retries included, on the clock of `performance.now()`. */
  readonly deadlineAt?: number
  /**
   * True for requests that only read: their reads may be coalesced with identical ones, or answered from the cache. A
   * request that writes must see the state after it looked.
   */
  readonly isShareable?: boolean
  /** Adds up the time and the calls of this request, for the log and `Server-Timing`. */
  readonly upstream: UpstreamTiming
}

/** The same context without the caller's signal: after a write, its outcome is verified even when the caller has gone. */
export const detached = (context: RequestContext): RequestContext => ({ ...context, signal: never })

/** 5 s: total time for verifying a write whose answer was lost. */
const VERIFY_MS = 5000

/** Has the deadline passed? */
export const isOverdue = ({ deadlineAt = Number.POSITIVE_INFINITY }: RequestContext): boolean =>
  performance.now() >= deadlineAt

/** A detached context for verifying a write, with a deadline of its own. */
export const verifying = (context: RequestContext): RequestContext => ({
  ...detached(context),
  deadlineAt: performance.now() + VERIFY_MS
})
