import type { RequestContext } from '../core/context.ts'
import type { Action, Params, Result } from './actions/action.ts'

/**
 * Calls one action of HOSTKEY on the caller's behalf.
 * @throws Problem one of the action's failures, of those common to all, or `upstream-*`
 */
export type Call = <A extends Action>(action: A, params: Params<A>, context: RequestContext) => Promise<Result<A>>
