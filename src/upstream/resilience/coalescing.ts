import { Abort } from '../../core/abort.ts'
import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import { type Action, type Effect, isWrite } from '../actions/action.ts'
import type { Call } from '../call.ts'
import { createReuse, type Reuse } from './reuse.ts'

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

/** A request that waits for a call. */
interface Waiting {
  readonly context: RequestContext
  /** When it joined a call that another request had begun; undefined for the request that began it. */
  readonly joinedAt: number | undefined
  /** Stops waiting. */
  readonly leave: () => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A call in flight and the requests that wait for it. */
interface SharedCall {
  waiting: Set<Waiting>
  upstream: UpstreamTiming
  signal: Abort
}

/**
 * Coalesces identical reads of one caller that are in flight at the same time into one call. All of them get its result,
 * or its failure; it is aborted when all of them are. A read that begins after a write has ended never joins a call that
 * began before. The result is shared by reference: do not modify it.
 */
export const coalesced = (call: Call, reuse: Reuse = createReuse()): Call => {
  let inFlight = emptyIndex()

  const begin = (key: string, action: Action, params: object, context: RequestContext): SharedCall => {
    const shared: SharedCall = { waiting: new Set(), upstream: noUpstreamTiming(), signal: new Abort() }
    inFlight[key] = shared
    const { signal, upstream, waiting } = shared
    call(action, params as never, { ...context, signal, upstream }).then(
      result => {
        remove(key, shared)
        for (const request of waiting) {
          end(request, upstream)
          request.resolve(result)
        }
      },
      error => {
        remove(key, shared)
        for (const request of waiting) {
          end(request, upstream)
          request.reject(error)
        }
      }
    )
    return shared
  }

  /** Lets no further request join the call. */
  const remove = (key: string, shared: SharedCall) => {
    if (inFlight[key] === shared) delete inFlight[key]
  }

  const share = (action: Action, params: object, context: RequestContext): Promise<unknown> => {
    if (context.signal.aborted) return Promise.reject(disconnected())
    const key = coalescingKey(action, params as Record<string, unknown>, context)
    const joined = inFlight[key]
    const shared = joined ?? begin(key, action, params, context)
    if (joined) reuse.coalesced += 1
    else reuse.sent += 1
    const joinedAt = joined && performance.now()
    return new Promise((resolve, reject) => {
      const leave = () => {
        shared.waiting.delete(request)
        end(request, shared.upstream)
        reject(disconnected())
        // Other requests may still wait for the answer.
        if (shared.waiting.size > 0) return
        remove(key, shared)
        shared.signal.abort()
      }
      const request: Waiting = { context, joinedAt, leave, resolve, reject }
      shared.waiting.add(request)
      context.signal.addEventListener('abort', leave)
    })
  }

  return (action, params, context) => {
    // The key holds the action, so this is its result.
    if (isCoalescable(action, context)) return share(action, params, context) as never
    const answer = call(action, params, context)
    // Reads that began before the write ended may lack its effect: later reads must not join them.
    return isWrite(action)
      ? answer.finally(() => {
          inFlight = emptyIndex()
        })
      : answer
  }
}

/**
 * Calls in flight by key. Not a Map: of a Map whose entries come and go, V8 keeps each table that it has replaced reachable
 * until it collects the old generation, and with it the requests that were in flight then.
 */
const emptyIndex = (): Record<string, SharedCall> => Object.create(null)

/** Each request reports its own waiting time; the call counts for the request that began it. */
const end = ({ context, joinedAt, leave }: Waiting, { ms, calls, queueMs }: UpstreamTiming): void => {
  const { signal, upstream } = context
  signal.removeEventListener('abort', leave)
  upstream.ms += joinedAt === undefined ? ms : performance.now() - joinedAt
  if (joinedAt !== undefined) return
  upstream.calls += calls
  if (queueMs !== undefined) upstream.queueMs = (upstream.queueMs ?? 0) + queueMs
}

const disconnected = () => new Problem('upstream-timeout', 'The caller has disconnected.')
