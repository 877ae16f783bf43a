import type { Errand } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import { classOf } from './call-classes.ts'
import type { Call } from '../client.ts'

/** While the replica ends, lets no write begin and ends reads. Notes which errands have sent a write: those are waited for. */
export const drained =
  (call: Call): Call =>
  async (action, params, errand) => {
    const { isWrite } = classOf[action.effect]
    assertServing(errand)
    if (isWrite) errand.spent.hasWritten = true
    try {
      return await call(action, params, errand)
    } catch (error) {
      // A read that was cut short looks like one that took too long. A write says what became of it.
      if (!isWrite) assertServing(errand)
      throw error
    }
  }

/** @throws Problem draining */
const assertServing = ({ signal }: Errand): void => {
  if (signal.reason instanceof Problem) throw signal.reason
}
