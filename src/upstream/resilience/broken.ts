import { detached } from '../../core/context.ts'
import { isProblem } from '../../core/problem.ts'
import { listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'
import { type CallClass, classOf } from './call-classes.ts'
import { createBreakers } from './circuit-breakers.ts'

/**
 * Sends nothing to a HOSTKEY that keeps failing (RELIABILITY 4.3). A write never finds out whether it is well again:
 * where only writes come, a cheap read is sent beside each refusal, one at a time.
 */
export const withCircuitBreaker = (call: Call, report: (name: CallClass['name'], isOpen: boolean) => void): Call => {
  const breakers = createBreakers(report)
  let isProbing = false
  const probe: Call = (action, params, context) =>
    breakers.run(classOf[action.effect], () => call(action, params, context), context.signal)

  return async (action, params, context) => {
    try {
      return await probe(action, params, context)
    } catch (error) {
      if (classOf[action.effect].isWrite && isProblem(error, 'upstream-unavailable') && !isProbing) {
        isProbing = true
        probe(listPlans, {}, detached(context))
          .catch(() => undefined)
          .finally(() => {
            isProbing = false
          })
      }
      throw error
    }
  }
}
