import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import { isWrite } from '../actions/action.ts'
import type { Call } from '../call.ts'

/**
 * While the replica shuts down, refuses new calls and aborts reads. Marks the requests that have sent a write: the
 * shutdown waits for them.
 */
export const withShutdownGuard =
  (call: Call): Call =>
  (action, params, context) => {
    const { reason } = context.signal
    if (reason instanceof Problem) return Promise.reject(reason)
    if (isWrite(action)) {
      context.upstream.hasWritten = true
      return call(action, params, context)
    }
    // An aborted read fails with a timeout: report the shutdown instead. A write is not aborted and keeps its outcome.
    return call(action, params, context).catch(error => {
      assertServing(context)
      throw error
    })
  }

/** @throws Problem draining: the reason with which a shutdown aborts the signal */
const assertServing = ({ signal }: RequestContext): void => {
  if (signal.reason instanceof Problem) throw signal.reason
}
