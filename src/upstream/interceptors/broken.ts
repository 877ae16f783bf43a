import { unhurried } from '../../caller.ts'
import { isProblem } from '../../problem.ts'
import { listPlans } from '../actions/plans.ts'
import type { Breakers } from '../breakers.ts'
import { classOf } from '../classes.ts'
import type { Call } from '../client.ts'

/**
 * Sends nothing to a HOSTKEY that is failing. A write never finds out whether it is well again: where only writes come,
 * a cheap read is sent beside the refusal, one at a time.
 */
export const broken = (call: Call, breakers: Breakers): Call => {
  let isProbing = false
  return async (action, params, errand) => {
    const callClass = classOf[action.effect]
    try {
      return await breakers.run(callClass, () => call(action, params, errand))
    } catch (error) {
      if (callClass.isWrite && isProblem(error, 'upstream-unavailable') && !isProbing) {
        isProbing = true
        const probe = { ...unhurried(errand), deadline: AbortSignal.timeout(classOf.read.deadlineMs) }
        breakers
          .run(classOf.read, () => call(listPlans, {}, probe))
          .catch(() => undefined)
          .finally(() => {
            isProbing = false
          })
      }
      throw error
    }
  }
}
