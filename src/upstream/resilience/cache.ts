import { never } from '../../core/abort.ts'
import { noUpstreamTiming, type RequestContext } from '../../core/context.ts'
import { keepWithin } from '../../core/keep-within.ts'
import type { Action } from '../actions/action.ts'
import { listPlans } from '../actions/plans.ts'
import type { Call } from '../call.ts'
import { coalescingKey, isCoalescable } from './coalescing.ts'
import { createReuse, type Reuse } from './reuse.ts'

/** 30 s: plans change rarely, and an order reads them anew. */
export const FRESH_MS = 30_000
/** 60 s: as long as callers may cache the plans themselves. */
export const EXPIRY_MS = 60_000
/** ± 10 %, so that entries of the same age are not revalidated together. */
const JITTER = 0.1
/** Callers; beyond it the least recently used entry is dropped. */
const MAX_ENTRIES = 1000

interface Entry {
  result: unknown
  freshUntil: number
  expiresAt: number
}

/**
 * Caches the plans that each caller sees. Between `FRESH_MS` and `EXPIRY_MS` a caller gets the cached plans at once while
 * they are read anew (stale-while-revalidate). Failures are not cached.
 * @param now milliseconds
 */
export const cached = (call: Call, reuse: Reuse = createReuse(), now: () => number = () => performance.now()): Call => {
  const entries = new Map<string, Entry>()
  const revalidating = new Set<string>()

  const read = async (key: string, action: Action, params: object, context: RequestContext): Promise<unknown> => {
    const result = await call(action, params as never, context)
    const stretch = 1 + JITTER * (2 * Math.random() - 1)
    entries.delete(key)
    entries.set(key, { result, freshUntil: now() + FRESH_MS * stretch, expiresAt: now() + EXPIRY_MS * stretch })
    keepWithin(entries, MAX_ENTRIES)
    return result
  }

  const revalidate = (key: string, action: Action, params: object, context: RequestContext): void => {
    if (revalidating.has(key)) return
    revalidating.add(key)
    // Detached from the caller, who has its answer already. After a failure the next caller reads for itself.
    read(key, action, params, { ...context, signal: never, upstream: noUpstreamTiming() })
      .catch(() => entries.delete(key))
      .finally(() => revalidating.delete(key))
  }

  const find: Call = async (action, params, context) => {
    const key = coalescingKey(action, params, context)
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAt <= now()) {
      return (await read(key, action, params as object, context)) as never
    }
    reuse.cached += 1
    // Moves it to the end: a Map keeps the order of insertion.
    entries.delete(key)
    entries.set(key, entry)
    if (entry.freshUntil <= now()) revalidate(key, action, params as object, context)
    // The key holds the action, so this is its result.
    return entry.result as never
  }

  return (action, params, context) =>
    action.name === listPlans.name && isCoalescable(action, context)
      ? find(action, params, context)
      : call(action, params, context)
}
