import type { Outcome, ProblemName } from '../../../../schemas/problems.ts'
import type { Made, Wanted } from '../provisioning.ts'

/** What a key was claimed for. */
export interface Intent {
  /** The customer, not the session: whoever logs in again finds the order. */
  tenant: string
  action: 'create_order' | 'create_account'
  /** SHA-256 of the caller's Idempotency-Key. */
  keyHash: string
  /** SHA-256 of the validated request. */
  fingerprint: string
  wanted: Wanted
}

/** A failure as it is recorded: enough to give the same answer again. */
export interface RecordedProblem {
  name: ProblemName
  detail: string
  outcome: Outcome
  upstream?: { action: string; message: string }
}

/**
 * `claimed`: nothing was sent · `sent`: the one POST may have gone out · `done` · `failed`: nothing was made ·
 * `unknown`: nobody can tell yet; looking again may.
 */
export type EntryState = 'claimed' | 'sent' | 'done' | 'failed' | 'unknown'

/** One purchase, from its claim to its end. */
export interface Entry {
  orderId: string
  intent: Intent
  state: EntryState
  /** Milliseconds since 1970 by the ledger's clock: when it was claimed, when somebody last took it on, and when the POST went out. */
  createdAt: number
  takenAt: number
  sentAt?: number
  /** When the answer was given up: from here on HOSTKEY may still take its time, but nobody waits for it. */
  lostAt?: number
  /** The accounts that were there before the POST. */
  before?: string[]
  made?: Made
  problem?: RecordedProblem
}
