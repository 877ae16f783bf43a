import type { ProblemName } from '../../../schemas/problems.ts'
import { isProblem, type Problem } from '../../core/problem.ts'
import type { JobProblem } from '../../store/jobs.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { isOutcomeLost } from '../../upstream/protocol/failure-stage.ts'

/**
 * What a job does about a failure. `wait`: HOSTKEY cannot be asked now; it is sent again, however often · `repeat`: sent
 * again, a few times · `pause`: another credential is needed · `end`: there is nothing left to work on · `fail`: this item
 * has failed.
 */
export type Reaction = 'wait' | 'repeat' | 'pause' | 'end' | 'fail'

const REACTIONS: Partial<Record<ProblemName, Reaction>> = {
  'upstream-unavailable': 'wait',
  'upstream-unreachable': 'wait',
  'upstream-throttled': 'wait',
  overloaded: 'wait',
  'rate-limited': 'wait',
  draining: 'wait',
  'upstream-timeout': 'repeat',
  'upstream-bad-response': 'repeat',
  'upstream-storage-error': 'repeat',
  'limit-reached': 'repeat',
  'invalid-token': 'pause',
  'session-expired': 'pause',
  unauthenticated: 'pause',
  'account-not-found': 'end',
  'bucket-not-found': 'end'
}

export const reactionTo = (error: unknown): Reaction => {
  if (error instanceof StoreUnavailable) return 'wait'
  return isProblem(error) ? (REACTIONS[error.problem] ?? 'fail') : 'repeat'
}

/** As it is recorded and shown. */
export const jobProblemOf = (error: unknown): JobProblem =>
  isProblem(error)
    ? { name: error.problem, status: error.status, detail: error.message }
    : { name: 'internal', status: 500, detail: 'Something went wrong in the gateway.' }

/** May HOSTKEY have received it? The store is asked before anything is sent. */
export const mayHaveArrived = (error: unknown): boolean =>
  isProblem(error) ? error.options.outcome === 'unknown' : !(error instanceof StoreUnavailable)

/** How often it is sent: a refusal that may pass. */
const MAX_REFUSALS = 5
/** One whose answer is lost: a verdict would be a guess. With the pauses a quarter of a minute, and more than chance. */
const MAX_LOST = 8

/** How often it is sent when it fails in this way. */
export const maxAttempts = (error: unknown): number => (isOutcomeLost(error) ? MAX_LOST : MAX_REFUSALS)

/** How long to wait before it is sent again: what the problem asks for, else longer each time, up to 10 s. */
export const backoffMs = (error: unknown, attempt: number): number => {
  const asked = isProblem(error) ? (error as Problem).options.retryAfterSeconds : undefined
  const longest = asked === undefined ? Math.min(200 * 2 ** (attempt - 1), 10_000) : asked * 1000
  return longest * (0.5 + Math.random() / 2)
}
