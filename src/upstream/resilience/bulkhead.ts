import { isOfToken } from '../../core/caller.ts'
import type { RequestContext } from '../../core/context.ts'
import type { Call } from '../call.ts'
import { type CallClass, classes, classOf } from './call-classes.ts'
import { createFairQueue, type FairQueue, type Share } from './fair-queue.ts'

export type Bulkheads = Readonly<Record<CallClass['name'], FairQueue>>

/** Slots for each class: a slow action of HOSTKEY must not take the slots of all others. */
export const createBulkheads = (): Bulkheads =>
  // The keys are the names of the classes.
  Object.fromEntries(classes.map(each => [each.name, createFairQueue(each)])) as Record<CallClass['name'], FairQueue>

/** Called after a call has waited for a slot. */
export type OnWaited = (callClass: CallClass['name'], ms: number) => void

/**
 * Runs each call in a slot of its class.
 * @param timeoutMs deadline of every call; undefined for that of its class
 */
export const withBulkhead =
  (call: Call, bulkheads: Bulkheads, timeoutMs: number | undefined, onWaited: OnWaited = () => undefined): Call =>
  async (action, params, context) => {
    const { name, deadlineMs } = classOf[action.effect]
    const bulkhead = bulkheads[name]
    if (bulkhead.isCrowdedByTokens && isOfToken(context.caller.share)) await context.caller.resolveShare?.()
    const slot =
      bulkhead.enter(context.caller) ??
      (await waitFor(bulkhead, context, timeoutMs ?? deadlineMs, ms => onWaited(name, ms)))
    try {
      return await call(action, params, context)
    } finally {
      bulkhead.leave(slot, context.caller.id)
    }
  }

/** Waits for a slot, as long as the call itself may take, and adds the time to that of the request. */
const waitFor = async (
  bulkhead: FairQueue,
  context: RequestContext,
  maxMs: number,
  onWaited: (ms: number) => void
): Promise<Share> => {
  const { caller, signal, deadlineAt = Number.POSITIVE_INFINITY, upstream } = context
  const startedAt = performance.now()
  const until = Math.min(startedAt + maxMs, deadlineAt)
  try {
    return await bulkhead.wait(caller, { until, signal, isUrgent: upstream.hasWritten === true })
  } finally {
    const ms = performance.now() - startedAt
    upstream.queueMs = (upstream.queueMs ?? 0) + ms
    onWaited(ms)
  }
}
