import { setTimeout as pause } from 'node:timers/promises'
import { isOverdue, type RequestContext, verifying } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { isOutcomeLost, mayStillExecute } from '../../upstream/protocol/failure-stage.ts'

export interface Deletion {
  /** Sends the deletion; called once. */
  send: () => Promise<unknown>
  /** Reads whether the target is gone; undefined when the list does not show it. */
  isGone: (context: RequestContext) => Promise<boolean | undefined>
  /** Pauses before each read, milliseconds. */
  verifyDelaysMs: readonly number[]
}

/**
 * Deletes with one POST that is never retried. When its answer is lost, reads show whether the target is gone.
 * @throws Problem of the action; upstream-bad-response with outcome `not-applied` when HOSTKEY has answered and the
 * target is still there
 */
export const deleteVerified = async (deletion: Deletion, context: RequestContext): Promise<void> => {
  try {
    await deletion.send()
  } catch (error) {
    if (!isOutcomeLost(error)) throw error
    const isGone = await verifyGone(deletion, verifying(context))
    if (isGone) return
    // HOSTKEY may still execute the deletion.
    if (isGone === undefined || mayStillExecute(error)) throw error
    throw new Problem('upstream-bad-response', 'HOSTKEY sent an invalid response and deleted nothing.', {
      outcome: 'not-applied',
      cause: error.options.cause
    })
  }
}

const verifyGone = async (
  { isGone, verifyDelaysMs }: Deletion,
  context: RequestContext
): Promise<boolean | undefined> => {
  let result: boolean | undefined
  for (const ms of verifyDelaysMs) {
    await pause(ms)
    result = await isGone(context).catch(isParentMissing)
    if (result || isOverdue(context)) break
  }
  return result
}

/** A file or a bucket is gone with its bucket or account; any other failure shows nothing. */
const isParentMissing = (error: unknown): true | undefined =>
  isProblem(error, 'account-not-found', 'bucket-not-found') ? true : undefined
