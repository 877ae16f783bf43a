import { isProblem } from '../../core/problem.ts'
import type { Call } from '../call.ts'

/** How a call ended, for metrics and log. */
export interface Observation {
  action: string
  /** `ok`, or the name of the problem. */
  result: string
  ms: number
  /** The text of a refusal that no declared failure matches. */
  unclassifiedText: string | undefined
}

/** Reports each call, and adds its duration to the request's own. */
export const observed =
  (call: Call, observe: (observation: Observation) => void): Call =>
  async (action, params, context) => {
    const startedAt = performance.now()
    let result = 'ok'
    let unclassifiedText: string | undefined
    try {
      return await call(action, params, context)
    } catch (error) {
      result = isProblem(error) ? error.problem : 'internal'
      if (isProblem(error, 'upstream-refused')) unclassifiedText = error.options.upstream?.message
      throw error
    } finally {
      const ms = performance.now() - startedAt
      context.upstream.ms += ms
      context.upstream.calls += 1
      observe({ action: action.name, result, ms, unclassifiedText })
    }
  }
