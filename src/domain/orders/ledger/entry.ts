import type { Outcome, ProblemName } from '../../../../schemas/problems.ts'
import type { UpstreamText } from '../../../core/problem.ts'
import type { ProvisionedAccount, RequestedAccount } from '../requested-account.ts'

/** What an Idempotency-Key was claimed for. */
export interface Intent {
  /** The customer, not the session: after another login the order is still found. */
  tenant: string
  action: 'create_order' | 'create_account'
  /** The service or derived token that ordered: its keys are its own. Absent in entries of other callers, and of older versions. */
  service?: string
  /** SHA-256 of the caller's Idempotency-Key. */
  keyHash: string
  /** SHA-256 of the validated request. */
  fingerprint: string
  requested: RequestedAccount
}

/** A failure as it is recorded, to give the same answer again. */
export interface RecordedProblem {
  name: ProblemName
  detail: string
  outcome: Outcome
  upstream?: UpstreamText
}

/**
 * `claimed`: nothing was sent · `sent`: the POST may have been sent · `done` · `failed`: nothing was created ·
 * `unknown`: the outcome is open until a later verification.
 */
export type EntryState = 'claimed' | 'sent' | 'done' | 'failed' | 'unknown'

/** One order, from its claim to its end. Times are milliseconds since 1970 by the ledger's clock. */
export interface Entry {
  orderId: string
  intent: Intent
  state: EntryState
  createdAt: number
  /** When a replica last took or changed the entry. */
  leasedAt: number
  sentAt?: number
  /** When the answer was given up: HOSTKEY may still execute the order. */
  answerLostAt?: number
  /** The accounts of the plan before the POST. */
  accountsBefore?: string[]
  created?: ProvisionedAccount
  problem?: RecordedProblem
}

/** Has the entry its final state? */
export const isTerminal = ({ state }: Entry): boolean => state === 'done' || state === 'failed'
