import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Action, Effect } from '../actions/action.ts'
import type { Call } from '../call.ts'

/** Reads that may be answered together. A credential is never among them. */
const SHARED: readonly Effect[] = ['read', 'async-read']

/** May this call be answered together with others that ask the same? Only what reads, for a request that only reads. */
export const mayShare = (action: Action, context: RequestContext): boolean =>
  context.isShareable === true && SHARED.includes(action.effect)

/**
 * What makes two calls the same: caller, token, action and params. Under another token HOSTKEY may answer otherwise;
 * the token itself is not in the name.
 */
export const sameness = async (action: Action, params: object, { caller }: RequestContext): Promise<string> => {
  const given = new Map<string, unknown>(Object.entries(params))
  const values = Object.keys(action.params.properties).map(key => given.get(key) ?? null)
  return JSON.stringify([caller.id, (await caller.token()).fingerprint(), action.script, action.name, values])
}

/** A call under way, and those who wait for it. */
interface Flight {
  answer: Promise<unknown>
  waiting: number
  upstream: UpstreamTiming
  abort: () => void
}

/**
 * Reads of one caller that ask the same at the same time are one call, which ends early only when all of them have hung
 * up. Each gets what that call brought, be it a failure; nothing is kept. Whoever asks after a write has ended is
 * answered by a call that began after it. The answer is shared as it is: nobody may change it.
 */
export const coalesced = (call: Call): Call => {
  const flights = new Map<string, Flight>()

  const begin = (name: string, action: Action, params: object, context: RequestContext): Flight => {
    const ending = new AbortController()
    const timing = noUpstreamTiming()
    const answer = call(action, params as never, { ...context, signal: ending.signal, upstream: timing })
    const flight: Flight = { answer, waiting: 0, upstream: timing, abort: () => ending.abort() }
    flights.set(name, flight)
    return flight
  }

  /** Nobody joins it any more; those who wait for it still do. */
  const forget = (name: string, flight: Flight) => {
    if (flights.get(name) === flight) flights.delete(name)
  }

  const share: Call = async (action, params, context) => {
    const name = await sameness(action, params as object, context)
    const known = flights.get(name)
    const flight = known ?? begin(name, action, params as object, context)
    const startedAt = performance.now()
    flight.waiting += 1
    try {
      // The name holds the action, so this is its result.
      return (await unlessGone(flight.answer, context.signal)) as never
    } finally {
      flight.waiting -= 1
      if (flight.waiting === 0) {
        forget(name, flight)
        flight.abort()
      }
      // The time is everybody's, the calls are counted once.
      context.upstream.ms += known ? performance.now() - startedAt : flight.upstream.ms
      context.upstream.calls += known ? 0 : flight.upstream.calls
    }
  }

  return async (action, params, context) => {
    if (mayShare(action, context)) return share(action, params, context)
    try {
      return await call(action, params, context)
    } finally {
      // What was read before or during a write may not be shown to those who come after it.
      if (action.effect === 'write' || action.effect === 'provision') flights.clear()
    }
  }
}

/** What the call brings, or a failure as soon as this caller has hung up, whatever the others wait for. */
const unlessGone = async <T>(answer: Promise<T>, signal: AbortSignal): Promise<T> => {
  const gone = Promise.withResolvers<never>()
  const leave = () => gone.reject(new Problem('upstream-timeout', 'The caller has hung up.'))
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave)
  try {
    return await Promise.race([answer, gone.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
