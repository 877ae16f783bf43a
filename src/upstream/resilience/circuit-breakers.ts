import { detached, type RequestContext } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { type Action, isWrite } from '../actions/action.ts'
import { listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'
import { type CallClass, classOf } from './call-classes.ts'
import { type CallResult, type CircuitBreaker, CircuitOpen, createCircuitBreaker } from './circuit-breaker.ts'

/** Called when the circuit of a class opens, also after a failed probe, and when it closes. */
export type OnCircuitStateChange = (name: CallClass['name'], isOpen: boolean) => void

/** A circuit breaker for each call class. */
export interface CircuitBreakers {
  /** @throws Problem upstream-unavailable when the circuit is open: nothing was sent */
  run<T>(action: Action, send: () => Promise<T>, callerSignal: AbortSignal): Promise<T>
}

export const createCircuitBreakers = (onStateChange: OnCircuitStateChange): CircuitBreakers => {
  const breakers = new Map<CallClass['name'], CircuitBreaker>()

  const breakerOf = (action: Action): CircuitBreaker => {
    const { name } = classOf[action.effect]
    const breaker =
      breakers.get(name) ??
      createCircuitBreaker({ isProbedByReads: isWrite(action), onStateChange: isOpen => onStateChange(name, isOpen) })
    breakers.set(name, breaker)
    return breaker
  }

  const countAnswer = (action: Action) => {
    if (classOf[action.effect].name !== 'read') return
    for (const breaker of breakers.values()) breaker.readAnswered()
  }

  return {
    async run(action, send, callerSignal) {
      try {
        const value = await breakerOf(action).run(send, error => {
          const result = resultOf(error, action, callerSignal)
          if (result === 'success') countAnswer(action)
          return result
        })
        countAnswer(action)
        return value
      } catch (error) {
        if (!(error instanceof CircuitOpen)) throw error
        throw new Problem('upstream-unavailable', 'Recent calls to HOSTKEY failed; this one was not sent.', {
          retryAfterSeconds: Math.ceil(error.retryAfterMs / 1000),
          ...(isWrite(action) && { outcome: 'not-applied' })
        })
      }
    }
  }
}

/** HOSTKEY fails when it gives no answer, or an unusable one. A refusal is an answer. */
const resultOf = (error: unknown, action: Action, callerSignal: AbortSignal): CallResult => {
  if (!isProblem(error)) return 'inconclusive'
  if (!isProblem(error, 'upstream-unreachable', 'upstream-timeout', 'upstream-bad-response')) return 'success'
  // A read is aborted with its caller.
  return callerSignal.aborted && !isWrite(action) ? 'inconclusive' : 'failure'
}

/** Sends no call of a class whose circuit is open. */
export const withCircuitBreaker = (call: Call, onStateChange: OnCircuitStateChange): Call => {
  const breakers = createCircuitBreakers(onStateChange)
  let isProbing = false

  const guarded: Call = (action, params, context) =>
    breakers.run(action, () => call(action, params, context), context.signal)

  /** Sends a cheap read for a refused write: without other reads the circuit of the writes would never close. */
  const probe = (context: RequestContext) => {
    if (isProbing) return
    isProbing = true
    guarded(listPlans, {}, detached(context))
      .catch(() => undefined)
      .finally(() => {
        isProbing = false
      })
  }

  return (action, params, context) => {
    const answer = guarded(action, params, context)
    if (!isWrite(action)) return answer
    return answer.catch(error => {
      if (isProblem(error, 'upstream-unavailable')) probe(context)
      throw error
    })
  }
}
