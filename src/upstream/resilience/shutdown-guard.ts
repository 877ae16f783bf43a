import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Call } from '../call.ts'
import { classOf } from './call-classes.ts'

/** While the replica ends, lets no write begin and ends reads. Notes which errands have sent a write: those are waited for. */
export const withShutdownGuard =
  (call: Call): Call =>
  async (action, params, context) => {
    const { isWrite } = classOf[action.effect]
    assertServing(context)
    if (isWrite) context.upstream.hasWritten = true
    try {
      return await call(action, params, context)
    } catch (error) {
      // A read that was cut short looks like one that took too long. A write says what became of it.
      if (!isWrite) assertServing(context)
      throw error
    }
  }

/** @throws Problem draining */
const assertServing = ({ signal }: RequestContext): void => {
  if (signal.reason instanceof Problem) throw signal.reason
}
