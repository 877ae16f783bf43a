import { setTimeout as pause } from 'node:timers/promises'
import type { Effect } from '../actions/action.ts'
import type { Call } from '../call.ts'
import { type Stage, stageOf } from '../protocol/failure-stage.ts'
import { classOf } from './call-classes.ts'
import type { Bulkheads } from './limited.ts'

/** After which failures an action may be sent once more. What may bill is never sent twice. */
const REPEATED_AFTER: Record<Effect, readonly Stage[]> = {
  read: ['not-sent', 'early'],
  'async-read': ['not-sent'],
  secret: ['not-sent'],
  write: ['not-sent'],
  login: ['not-sent'],
  provision: []
}

const BACKOFF_MS = { least: 50, most: 250 }

/** So much of the deadline must be left for a second attempt to make sense. */
const SHARE_LEFT = 0.4

/** Repetitions may be a fifth of what is in flight in the lane, and always three: they never make an outage worse. */
const BUDGET_SHARE = 0.2
const BUDGET_LEAST = 3

/** Repeats a failed call once, where that is certainly harmless. The only place that does. */
export const retried = (call: Call, bulkheads: Bulkheads, timeoutMs: number | undefined): Call => {
  let repeating = 0
  return async (action, params, context) => {
    const { name, deadlineMs } = classOf[action.effect]
    const totalMs = timeoutMs ?? deadlineMs
    const endsAt = performance.now() + totalMs
    const own = AbortSignal.timeout(totalMs)
    const timed = { ...context, deadline: context.deadline ? AbortSignal.any([context.deadline, own]) : own }
    try {
      return await call(action, params, timed)
    } catch (error) {
      const stage = stageOf(error)
      const isHarmless = stage !== undefined && REPEATED_AFTER[action.effect].includes(stage)
      const isInTime = endsAt - performance.now() >= totalMs * SHARE_LEFT
      const isInBudget = repeating < Math.max(BUDGET_LEAST, bulkheads[name].inFlight * BUDGET_SHARE)
      if (!isHarmless || !isInTime || !isInBudget || context.signal.aborted) throw error
      repeating += 1
      try {
        await pause(BACKOFF_MS.least + Math.random() * (BACKOFF_MS.most - BACKOFF_MS.least))
        return await call(action, params, timed)
      } finally {
        repeating -= 1
      }
    }
  }
}
