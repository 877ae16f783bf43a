import { isProblem, Problem } from '../../core/problem.ts'
import { history, listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'

/** HOSTKEY may answer these without looking at the token (assumed). */
const PUBLIC: ReadonlySet<string> = new Set([listPlans.name, history.name])

/**
 * When HOSTKEY refuses the caller's token, gets a new one and repeats the call once. HOSTKEY checks the token before it
 * executes the action (assumed), so a write is repeated too; a call that may bill is not.
 */
export const refreshed =
  (call: Call): Call =>
  async (action, params, context) => {
    if (action.script !== 's3.php') return call(action, params, context)
    // Fixed for this call: with many calls at once, each must report the token that was refused.
    const known = context.caller.token()
    const token = known instanceof Promise ? await known : known
    try {
      const result = await call(action, params, { ...context, token })
      if (!PUBLIC.has(action.name)) context.caller.accepted?.()
      return result
    } catch (error) {
      if (!isProblem(error, 'invalid-token')) throw error
      const newToken = await context.caller.refreshToken(token)
      if (action.effect !== 'provision') {
        return call(action, params, { ...context, token: newToken }).catch(toUnavailable)
      }
      throw new Problem(
        'upstream-unavailable',
        'The token of the gateway had expired and is renewed: send the request again.',
        {
          outcome: 'not-applied',
          retryAfterSeconds: 1,
          cause: error
        }
      )
    }
  }

/** HOSTKEY refused a token that it has just issued: not the fault of the caller's credential. */
const toUnavailable = (error: unknown): never => {
  if (!isProblem(error, 'invalid-token')) throw error
  throw new Problem('upstream-unavailable', 'HOSTKEY refuses a token that it has just issued.', {
    ...(error.options.outcome && { outcome: error.options.outcome }),
    retryAfterSeconds: 5,
    cause: error
  })
}
