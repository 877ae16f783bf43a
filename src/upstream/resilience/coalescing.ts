import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import { type Action, type Effect, isWrite } from '../actions/action.ts'
import type { Call } from '../call.ts'

/** Effects whose calls may be coalesced. A read of a credential never is. */
const COALESCABLE: readonly Effect[] = ['read', 'async-read']

/** May this call be answered together with identical ones? Only a read, of a request that only reads. */
export const isCoalescable = (action: Action, context: RequestContext): boolean =>
  context.isShareable === true && COALESCABLE.includes(action.effect)

/** Identifies a call by caller, token, action and params. The token enters as a fingerprint: HOSTKEY may answer by token. */
export const coalescingKey = (
  { name, fields }: Action,
  params: Readonly<Record<string, unknown>>,
  { caller, token }: RequestContext
): string => JSON.stringify([caller.id, token?.fingerprint(), name, ...fields.map(field => params[field])])

/** A call in flight and the number of requests that wait for it. */
interface SharedCall {
  answer: Promise<unknown>
  waiting: number
  upstream: UpstreamTiming
  abort: () => void
}

/**
 * Coalesces identical reads of one caller that are in flight at the same time into one call. All of them get its result,
 * or its failure; it is aborted when all of them are. A read that begins after a write has ended never joins a call that
 * began before. The result is shared by reference: do not modify it.
 */
export const coalesced = (call: Call): Call => {
  const inFlight = new Map<string, SharedCall>()

  const begin = (key: string, action: Action, params: object, context: RequestContext): SharedCall => {
    const controller = new AbortController()
    const timing = noUpstreamTiming()
    const answer = call(action, params as never, { ...context, signal: controller.signal, upstream: timing })
    const shared: SharedCall = { answer, waiting: 0, upstream: timing, abort: () => controller.abort() }
    inFlight.set(key, shared)
    return shared
  }

  /** Lets no further request join the call. */
  const remove = (key: string, shared: SharedCall) => {
    if (inFlight.get(key) === shared) inFlight.delete(key)
  }

  const share: Call = async (action, params, context) => {
    const key = coalescingKey(action, params, context)
    const joined = inFlight.get(key)
    const shared = joined ?? begin(key, action, params as object, context)
    const startedAt = performance.now()
    shared.waiting += 1
    try {
      // The key holds the action, so this is its result.
      return (await untilAborted(shared.answer, context.signal)) as never
    } finally {
      shared.waiting -= 1
      if (shared.waiting === 0) {
        remove(key, shared)
        if (context.signal.aborted) shared.abort()
      }
      // Each request reports its own waiting time; the call counts for the request that began it.
      context.upstream.ms += joined ? performance.now() - startedAt : shared.upstream.ms
      context.upstream.calls += joined ? 0 : shared.upstream.calls
      if (!joined && shared.upstream.queueMs !== undefined) {
        context.upstream.queueMs = (context.upstream.queueMs ?? 0) + shared.upstream.queueMs
      }
    }
  }

  return (action, params, context) => {
    if (isCoalescable(action, context)) return share(action, params, context)
    const answer = call(action, params, context)
    // Reads that began before the write ended may lack its effect: later reads must not join them.
    return isWrite(action) ? answer.finally(() => inFlight.clear()) : answer
  }
}

/** The answer, or a failure as soon as this request is aborted. Other requests may still wait for it. */
const untilAborted = <T>(answer: Promise<T>, signal: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const onAbort = () => reject(new Problem('upstream-timeout', 'The caller has disconnected.'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort)
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
