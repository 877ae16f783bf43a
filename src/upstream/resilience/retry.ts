import { setTimeout as pause } from 'node:timers/promises'
import type { Effect } from '../actions/action.ts'
import type { Call } from '../call.ts'
import { type Stage, stageOf } from '../protocol/failure-stage.ts'
import type { Bulkheads } from './bulkhead.ts'
import { type CallClass, classOf } from './call-classes.ts'

/** The failures after which a call is retried. A call that may bill is never sent twice. */
const RETRIED_AFTER: Record<Effect, readonly Stage[]> = {
  read: ['not-sent', 'early'],
  'async-read': ['not-sent'],
  secret: ['not-sent'],
  write: ['not-sent'],
  login: ['not-sent'],
  'token-lookup': ['not-sent'],
  'order-identity': ['not-sent'],
  provision: []
}

/** Random pause before a retry. */
const BACKOFF_MS = { min: 50, max: 250 }

/** Share of the deadline that must be left, so that the retry can succeed in time. */
const MIN_TIME_LEFT = 0.4

/**
 * Retry budget: 20 % of the calls in flight in the class, but at least 3, of which no caller has more than half. It bounds
 * the load that retries add to an outage.
 */
const BUDGET_SHARE = 0.2
const MIN_BUDGET = 3

/** Called before a call is sent again. @param stage how far the first one came */
export type OnRetry = (callClass: CallClass['name'], stage: Stage) => void

/** Retries a failed call once, where a second execution is impossible or harmless. The only place that retries. */
export const retried = (
  call: Call,
  bulkheads: Bulkheads,
  timeoutMs: number | undefined,
  onRetry: OnRetry = () => undefined
): Call => {
  let retries = 0
  const byCaller = new Map<string, number>()
  return (action, params, context) => {
    const { name, deadlineMs } = classOf[action.effect]
    const totalMs = timeoutMs ?? deadlineMs
    const endsAt = performance.now() + totalMs
    const timed = { ...context, deadlineAt: Math.min(endsAt, context.deadlineAt ?? endsAt) }
    return call(action, params, timed).catch(async error => {
      const stage = stageOf(error)
      const isSafe = stage !== undefined && RETRIED_AFTER[action.effect].includes(stage)
      const isInTime = endsAt - performance.now() >= totalMs * MIN_TIME_LEFT
      const { share } = context.caller
      const own = byCaller.get(share) ?? 0
      const budget = Math.max(MIN_BUDGET, bulkheads[name].inFlight * BUDGET_SHARE)
      const isInBudget = retries < budget && own < Math.max(1, Math.floor(budget / 2))
      if (!isSafe || !isInTime || !isInBudget || context.signal.aborted) throw error
      retries += 1
      onRetry(name, stage)
      byCaller.set(share, own + 1)
      try {
        await pause(BACKOFF_MS.min + Math.random() * (BACKOFF_MS.max - BACKOFF_MS.min))
        return await call(action, params, timed)
      } finally {
        retries -= 1
        const left = (byCaller.get(share) ?? 1) - 1
        if (left > 0) byCaller.set(share, left)
        else byCaller.delete(share)
      }
    })
  }
}
