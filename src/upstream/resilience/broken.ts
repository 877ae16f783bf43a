import { unhurried } from '../../core/caller.ts'
import { isProblem } from '../../core/problem.ts'
import { listPlans } from '../actions/plans.ts'
import { createBreakers } from './circuit-breakers.ts'
import { type CallClass, classOf } from './call-classes.ts'
import type { Call } from '../client.ts'

/**
 * Sends nothing to a HOSTKEY that keeps failing (RELIABILITY 4.3). A write never finds out whether it is well again:
 * where only writes come, a cheap read is sent beside each refusal, one at a time.
 */
export const broken = (call: Call, report: (name: CallClass['name'], isOpen: boolean) => void): Call => {
  const breakers = createBreakers(report)
  let isProbing = false
  const probe: Call = (action, params, errand) =>
    breakers.run(classOf[action.effect], () => call(action, params, errand), errand.signal)

  return async (action, params, errand) => {
    try {
      return await probe(action, params, errand)
    } catch (error) {
      if (classOf[action.effect].isWrite && isProblem(error, 'upstream-unavailable') && !isProbing) {
        isProbing = true
        probe(listPlans, {}, unhurried(errand))
          .catch(() => undefined)
          .finally(() => {
            isProbing = false
          })
      }
      throw error
    }
  }
}
