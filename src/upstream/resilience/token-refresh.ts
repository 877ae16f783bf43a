import type { RequestContext } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Call } from '../call.ts'

/**
 * When HOSTKEY refuses the caller's token, gets a new one and repeats the call once. HOSTKEY checks the token before it
 * executes the action (assumed), so a write is repeated too; a call that may bill is not.
 */
export const refreshed =
  (call: Call): Call =>
  async (action, params, context) => {
    if (action.script !== 's3.php') return call(action, params, context)
    // Fixed for this call: with many calls at once, each must report the token that was refused.
    const token = await context.caller.token()
    try {
      return await call(action, params, withToken(context, token))
    } catch (error) {
      if (!isProblem(error, 'invalid-token')) throw error
      const newToken = await context.caller.refreshToken(token)
      if (action.effect !== 'provision') {
        return call(action, params, withToken(context, newToken)).catch(toUnavailable)
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

const withToken = (context: RequestContext, token: Secret): RequestContext => ({
  ...context,
  caller: { ...context.caller, token: async () => token }
})

/** HOSTKEY refused a token that it has just issued: not the fault of the caller's credential. */
const toUnavailable = (error: unknown): never => {
  if (!isProblem(error, 'invalid-token')) throw error
  throw new Problem('upstream-unavailable', 'HOSTKEY refuses a token that it has just issued.', {
    ...(error.options.outcome && { outcome: error.options.outcome }),
    retryAfterSeconds: 5,
    cause: error
  })
}
