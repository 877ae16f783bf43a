import { isProblem } from '../../core/problem.ts'
import type { Call } from '../call.ts'

/** How a call went, for metrics and log. */
export interface Observation {
  action: string
  /** `ok`, or the name of the problem. */
  result: string
  ms: number
  /** A text of HOSTKEY's that no failure explains, so that it is found and declared. */
  unknownText: string | undefined
}

/** Counts each call and its time, on the errand and for the metrics. */
export const observed =
  (call: Call, observe: (observation: Observation) => void): Call =>
  async (action, params, context) => {
    const startedAt = performance.now()
    let result = 'ok'
    let unknownText: string | undefined
    try {
      return await call(action, params, context)
    } catch (error) {
      result = isProblem(error) ? error.problem : 'internal'
      if (isProblem(error, 'upstream-refused')) unknownText = error.options.upstream?.message
      throw error
    } finally {
      const ms = performance.now() - startedAt
      context.upstream.ms += ms
      context.upstream.calls += 1
      observe({ action: action.name, result, ms, unknownText })
    }
  }
