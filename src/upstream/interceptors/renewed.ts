import { isProblem, Problem } from '../../problem.ts'
import type { Call } from '../client.ts'

/**
 * When HOSTKEY refuses the caller's token, asks the caller's door for a fresh one and repeats the call once. A refused
 * token was refused before the action ran (assumed); what may bill is not repeated even so.
 */
export const renewed =
  (call: Call): Call =>
  async (action, params, errand) => {
    try {
      return await call(action, params, errand)
    } catch (error) {
      if (action.script !== 's3.php' || !isProblem(error, 'invalid-token')) throw error
      const caller = await errand.caller.renewed()
      if (action.effect !== 'buy') return call(action, params, { ...errand, caller })
      throw new Problem('upstream-unavailable', 'HOSTKEY had ended the gateway’s login, which is renewed now: send the request again.', {
        outcome: 'not-applied',
        retryAfterSeconds: 1,
        cause: error
      })
    }
  }
