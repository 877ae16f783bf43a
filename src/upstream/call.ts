import type { RequestContext } from '../core/context.ts'
import type { Action, Params, Result } from './actions/action.ts'

/**
 * Calls one action of HOSTKEY on behalf of the caller.
 * @throws Problem a failure of the action, one that all actions share, or `upstream-*`
 */
export type Call = <A extends Action>(action: A, params: Params<A>, context: RequestContext) => Promise<Result<A>>
