import { isProblem, type Problem } from '../../core/problem.ts'
import type { Call } from '../call.ts'
import { type TransportCause, transportCauseOf } from '../protocol/failure-stage.ts'

/** How a call ended, for metrics and log. */
export interface Observation {
  action: string
  /** `ok`, or the name of the problem. */
  result: string
  ms: number
  /** The text of a refusal that no declared wording explains, and its reference in the reply. */
  unexplained: { reference: string; text: string } | undefined
  /** Why the call failed on the way. */
  cause: TransportCause | undefined
}

/** Reports each call, and adds its duration to the request's own. */
export const observed =
  (call: Call, observe: (observation: Observation) => void): Call =>
  async (action, params, context) => {
    const startedAt = performance.now()
    let result = 'ok'
    let unexplained: Observation['unexplained']
    let cause: TransportCause | undefined
    try {
      return await call(action, params, context)
    } catch (error) {
      result = isProblem(error) ? error.problem : 'internal'
      if (isProblem(error)) unexplained = unexplainedIn(error)
      cause = transportCauseOf(error)
      if (cause) context.upstream.cause = cause.code
      throw error
    } finally {
      const ms = performance.now() - startedAt
      context.upstream.ms += ms
      context.upstream.calls += 1
      observe({ action: action.name, result, ms, unexplained, cause })
    }
  }

const unexplainedIn = ({ options: { upstream, upstreamText } }: Problem): Observation['unexplained'] =>
  upstream?.reference !== undefined && upstreamText !== undefined
    ? { reference: upstream.reference, text: upstreamText }
    : undefined
