import { Problem } from '../../../core/problem.ts'
import type { RecordedProblem } from './entry.ts'

/** A failure as the ledger keeps it. */
export const toRecordedProblem = (problem: Problem): RecordedProblem => ({
  name: problem.problem,
  detail: problem.message,
  outcome: problem.options.outcome ?? 'not-applied',
  ...(problem.options.upstream && { upstream: problem.options.upstream })
})

/** The recorded failure as a problem again. @param isReplayed marks the reply with `Idempotency-Replayed` */
export const toProblem = ({ name, detail, outcome, upstream }: RecordedProblem, isReplayed = false): Problem =>
  new Problem(name, detail, {
    outcome,
    isRecorded: true,
    ...(upstream && { upstream }),
    ...(isReplayed && { headers: { 'idempotency-replayed': 'true' } })
  })

/** The problem of an entry whose replica ended before it recorded the answer. */
export const answerLost = () => new Problem('upstream-timeout', 'HOSTKEY’s answer was lost.', { outcome: 'unknown' })

/** The problem of an order that may have been sent before a restored ledger was lost. */
export const perhapsSent = (): RecordedProblem => ({
  name: 'account-state-unknown',
  detail:
    'The order may have been sent before the ledger was restored from a backup; HOSTKEY’s accounts leave it open.',
  outcome: 'unknown'
})

/** The final failure of an order that an operator has closed. */
export const closedAsFailed = (): RecordedProblem => ({
  name: 'upstream-bad-response',
  detail: 'HOSTKEY’s answer was lost; an operator has found that no account was created: order again with a new key.',
  outcome: 'not-applied'
})

/** The final failure of an order whose account has not appeared in time. */
export const notCreated = (): RecordedProblem => ({
  name: 'upstream-bad-response',
  detail: 'HOSTKEY’s answer was lost and no account was created: order again with a new key.',
  outcome: 'not-applied'
})
