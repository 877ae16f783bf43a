import { isOfToken, isStranger } from '../../core/caller.ts'
import { elapsedNow } from '../../core/clock.ts'
import { keepWithin } from '../../core/keep-within.ts'
import type { Activity, Closed, Open } from './circuit-state.ts'

/** What opens a circuit: 5 failures in a row, or half of at least 20 calls in 10 s. Envoy's defaults are 5 and 10 s. */
export const CONSECUTIVE_FAILURES = 5
export const FAILURE_RATE = { share: 0.5, minCalls: 20, windowSeconds: 10 }

/**
 * And only when several callers fail: a third of those active in the window, at least 3; all where there are fewer. One
 * caller's data must not pause the calls of others.
 */
export const EVIDENCE = { share: 1 / 3, minCallers: 3 }

/** Active callers, and credentials that failed, that are kept; beyond it the first one is forgotten. */
const MAX_CALLERS = 1000

export interface Who {
  caller: string
  id: string
  /** Looks up whose token it is. @returns the share of the caller then */
  resolve?: (() => Promise<string>) | undefined
}

/** As many probes as callers are needed for evidence: one of them may fail for a reason of its own. */
export const probesOf = ({ callers }: Open): number => Math.min(callers.size, EVIDENCE.minCallers)

/** Too few have failed to say anything about this caller; what strangers cause says nothing about customers. */
export const isOutsider = (caller: string, callers: ReadonlySet<string>): boolean =>
  !callers.has(caller) &&
  (callers.size < EVIDENCE.minCallers || (!isStranger(caller) && [...callers].every(isStranger)))

/** Is this a credential that has not failed itself, at an address whose strangers failed? One at a time is tried. */
export const mayTry = (caller: string, id: string, { callers, failedIds, trying }: Open): boolean =>
  isStranger(caller) && !failedIds.has(id) && !trying.has(caller) && [...callers].every(isStranger)

export const keep = (names: Set<string>, name: string) => {
  names.add(name)
  keepWithin(names, MAX_CALLERS)
}

export const count = (state: Closed, { caller, resolve }: Who, result: 'success' | 'failure'): void => {
  const now = elapsedNow()
  const second = Math.floor(now / 1000)
  let current = state.seconds.at(-1)
  if (current?.second !== second) {
    current = { second, calls: 0, failures: 0 }
    const first = second - FAILURE_RATE.windowSeconds
    state.seconds = [...state.seconds.filter(counted => counted.second > first), current]
  }
  current.calls += 1
  const isUnresolved = resolve !== undefined && isOfToken(caller)
  addActivity(state.callers, caller, { at: now, hasFailed: result === 'failure', isUnresolved })
  if (result === 'success') state.consecutiveFailures = 0
  else {
    current.failures += 1
    state.consecutiveFailures += 1
  }
}

/** Do so many calls fail that the circuit opens, if enough callers are concerned? */
export const isFailing = ({ seconds, consecutiveFailures }: Closed): boolean => {
  if (consecutiveFailures >= CONSECUTIVE_FAILURES) return true
  const sum = (of: 'calls' | 'failures') => seconds.reduce((total, counted) => total + counted[of], 0)
  return sum('calls') >= FAILURE_RATE.minCalls && sum('failures') >= FAILURE_RATE.share * sum('calls')
}

/** Puts what a token did into the share of its customer; it keeps its own when HOSTKEY does not tell. */
export const moveActivity = (callers: Map<string, Activity>, token: string, share: string): void => {
  const activity = callers.get(token)
  if (activity === undefined) return
  callers.delete(token)
  callers.set(share, { ...activity, isUnresolved: false })
}

const addActivity = (callers: Map<string, Activity>, caller: string, { at, hasFailed, isUnresolved }: Activity) => {
  const known = callers.get(caller)
  if (known) {
    known.at = at
    known.hasFailed = hasFailed
    return
  }
  callers.set(caller, { at, hasFailed, isUnresolved })
  keepWithin(callers, MAX_CALLERS)
}

/**
 * The callers that fail, if they are enough. Strangers count only while there is no customer.
 * @property isCertain they are enough even if all tokens that have not been looked up are of one customer
 */
export const evidenceOf = (
  callers: ReadonlyMap<string, Activity>,
  now: number
): { callers: Set<string>; isCertain: boolean } | undefined => {
  const since = now - FAILURE_RATE.windowSeconds * 1000
  const active = [...callers].filter(([, { at }]) => at > since)
  const customers = active.filter(([caller]) => !isStranger(caller))
  const counted = customers.length > 0 ? customers : active
  const failing = counted.filter(([, { hasFailed }]) => hasFailed)
  const { share, minCallers } = EVIDENCE
  const needed = counted.length < minCallers ? counted.length : Math.max(minCallers, Math.ceil(counted.length * share))
  if (failing.length < needed) return undefined
  const unresolved = failing.filter(([, { isUnresolved }]) => isUnresolved).length
  const isCertain = failing.length - Math.max(0, unresolved - 1) >= needed
  return { callers: new Set(failing.map(([caller]) => caller)), isCertain }
}
