import { noUpstreamTiming, type RequestContext } from '../../core/context.ts'
import type { Action } from '../actions/action.ts'
import { listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'
import { mayShare, sameness } from './coalescing.ts'

/** Half a minute: plans change by the month, and orders read them afresh. */
export const FRESH_MS = 30_000
/** As long as callers may keep them themselves. */
export const KEPT_MS = 60_000
/** ± 10 %: what was read at the same time is not read again at the same time. */
const JITTER = 0.1
/** So many callers; the one that has not asked for the longest time is forgotten first. */
const MAX_CACHED = 1000

interface Kept {
  result: unknown
  freshUntil: number
  keptUntil: number
}

const never = new AbortController().signal

/**
 * Keeps the plans that each caller may see for a minute. In the second half of it a caller is answered from here, and
 * the plans are read anew behind its back. Failures are not kept.
 * @param now milliseconds
 */
export const cached = (call: Call, now: () => number = () => performance.now()): Call => {
  const kept = new Map<string, Kept>()
  const renewing = new Set<string>()

  const read = async (name: string, action: Action, params: object, context: RequestContext): Promise<unknown> => {
    const result = await call(action, params as never, context)
    const stretch = 1 + JITTER * (2 * Math.random() - 1)
    kept.delete(name)
    kept.set(name, { result, freshUntil: now() + FRESH_MS * stretch, keptUntil: now() + KEPT_MS * stretch })
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_CACHED) break
      kept.delete(oldest)
    }
    return result
  }

  const renew = (name: string, action: Action, params: object, context: RequestContext): void => {
    if (renewing.has(name)) return
    renewing.add(name)
    // Nobody waits for it: the caller may hang up, and a failure is the next one's matter.
    read(name, action, params, { ...context, signal: never, upstream: noUpstreamTiming() })
      .catch(() => kept.delete(name))
      .finally(() => renewing.delete(name))
  }

  return async (action, params, context) => {
    if (action.name !== listPlans.name || !mayShare(action, context)) return call(action, params, context)
    const name = await sameness(action, params as object, context)
    const known = kept.get(name)
    if (known === undefined || known.keptUntil <= now()) {
      return (await read(name, action, params as object, context)) as never
    }
    kept.delete(name)
    kept.set(name, known)
    if (known.freshUntil <= now()) renew(name, action, params as object, context)
    // The name holds the action, so this is its result.
    return known.result as never
  }
}
