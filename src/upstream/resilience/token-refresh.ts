import type { RequestContext } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Call } from '../call.ts'

/**
 * When HOSTKEY refuses the caller's token, asks the caller's door for a fresh one and repeats the call once. A refused
 * token was refused before the action ran (assumed); what may bill is not repeated even so.
 */
export const refreshed =
  (call: Call): Call =>
  async (action, params, context) => {
    if (action.script !== 's3.php') return call(action, params, context)
    // Held for this call: of a thousand calls at once, each must name the token with which it was refused.
    const token = await context.caller.token()
    try {
      return await call(action, params, holding(context, token))
    } catch (error) {
      if (!isProblem(error, 'invalid-token')) throw error
      const fresh = await context.caller.refreshToken(token)
      if (action.effect !== 'provision') return call(action, params, holding(context, fresh)).catch(refuseAgain)
      throw new Problem(
        'upstream-unavailable',
        'HOSTKEY had ended the gateway’s login, which is renewed now: send the request again.',
        {
          outcome: 'not-applied',
          retryAfterSeconds: 1,
          cause: error
        }
      )
    }
  }

const holding = (context: RequestContext, token: Secret): RequestContext => ({
  ...context,
  caller: { ...context.caller, token: async () => token }
})

/** A token that was issued this moment: the caller's credential is right and must not be blamed. */
const refuseAgain = (error: unknown): never => {
  if (!isProblem(error, 'invalid-token')) throw error
  throw new Problem('upstream-unavailable', 'HOSTKEY refuses a token that it has issued this moment.', {
    ...(error.options.outcome && { outcome: error.options.outcome }),
    retryAfterSeconds: 5,
    cause: error
  })
}
