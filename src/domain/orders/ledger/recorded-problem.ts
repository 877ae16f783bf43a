import { Problem } from '../../../core/problem.ts'
import type { RecordedProblem } from './entry.ts'

/** A failure as the ledger keeps it. */
export const recordOf = (problem: Problem): RecordedProblem => ({
  name: problem.problem,
  detail: problem.message,
  outcome: problem.options.outcome ?? 'not-applied',
  ...(problem.options.upstream && { upstream: problem.options.upstream })
})

/** The recorded failure, for whoever sends the key again. */
export const revived = ({ name, detail, outcome, upstream }: RecordedProblem, isReplayed = false): Problem =>
  new Problem(name, detail, {
    outcome,
    isRecorded: true,
    ...(upstream && { upstream }),
    ...(isReplayed && { headers: { 'idempotency-replayed': 'true' } })
  })

/** What an entry comes to whose owner died before it could say more. */
export const answerLost = () => new Problem('upstream-timeout', 'HOSTKEY’s answer was lost.', { outcome: 'unknown' })

/** What an order comes to whose account has not appeared in time. */
export const notMade = (): RecordedProblem => ({
  name: 'upstream-bad-response',
  detail: 'HOSTKEY’s answer was lost, and no account was made: order again with a new key.',
  outcome: 'not-applied'
})
