import { isOfToken, isStranger } from '../../core/caller.ts'
import { elapsedNow } from '../../core/clock.ts'

/** Opens after 5 failures in a row, or when half of at least 20 calls in 10 s fail. Envoy's defaults are 5 and 10 s. */
export const CONSECUTIVE_FAILURES = 5
export const FAILURE_RATE = { share: 0.5, minCalls: 20, windowSeconds: 10 }

/**
 * And only when several callers fail: a third of those active in the window, at least 3; all where there are fewer. One
 * caller's data must not pause the calls of others.
 */
export const EVIDENCE = { share: 1 / 3, minCallers: 3 }

/** Stays open for 1 s, then twice as long after each failed probe; ± 20 %, so that replicas do not probe together. */
export const OPEN_MS = { first: 1000, max: 30_000 }
const JITTER = 0.2

/** Answered reads that close the circuit of a write class. */
const READS_TO_CLOSE = 3

/** Active callers, and credentials that failed, that are kept; beyond it the first one is forgotten. */
const MAX_CALLERS = 1000

/** What a call says about HOSTKEY's health. A call that was aborted by its caller is inconclusive. */
export type CallResult = 'success' | 'failure' | 'inconclusive'

/** What a caller's last call in the window said. */
interface Activity {
  at: number
  hasFailed: boolean
  /** Is it a token that has not been looked up? It may be of the same customer as others. */
  isUnresolved: boolean
}

/** Calls and failures in each of the last seconds; failures in a row; who called. */
interface Closed {
  readonly name: 'closed'
  consecutiveFailures: number
  seconds: { second: number; calls: number; failures: number }[]
  readonly callers: Map<string, Activity>
  readonly failedIds: Set<string>
}

/**
 * No call is sent, except those of callers that the evidence says nothing about. From `probeAt` on, the next call is a
 * probe; a write class waits for answered reads instead.
 */
interface Open {
  readonly name: 'open'
  readonly probeAt: number
  /** Who had failed. */
  readonly callers: Set<string>
  /** The credentials that had failed: another one at the same address may be that of a customer. */
  readonly failedIds: Set<string>
  /** Addresses at which such a credential is being tried. */
  readonly trying: Set<string>
  answeredReads: number
}

/** Probes are in flight, each of another caller. No other call is sent. */
interface HalfOpen {
  readonly name: 'half-open'
  readonly open: Open
  readonly probing: Set<string>
  readonly failed: Set<string>
  /** Until then other callers may prove that HOSTKEY works, although a probe has failed. */
  readonly until: number
}

export type State = Closed | Open | HalfOpen

/** The circuit is open; nothing was sent. */
export class CircuitOpen extends Error {
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super('circuit open')
    this.retryAfterMs = retryAfterMs
  }
}

/** How long a circuit stays open, milliseconds. */
export const openMsAfter = (failedProbes: number): number =>
  Math.round(Math.min(OPEN_MS.max, OPEN_MS.first * 2 ** failedProbes) * (1 + JITTER * (2 * Math.random() - 1)))

/**
 * Stops the calls to an upstream that keeps failing, and finds out with few calls when it works again. See
 * docs/explanation/reliability.md#circuit-breaker.
 */
export interface CircuitBreaker {
  /**
   * @param caller whose evidence the call is
   * @param id of the credential; callers that HOSTKEY has not accepted have one share for each address
   * @returns the state in which the call begins, for `record`
   * @throws CircuitOpen
   */
  enter(caller: string, id: string): State
  record(begunIn: State, who: Who, result: CallResult): void
  /** Counts an answered read for a circuit that no call of its own may probe; closes it once it was open long enough. */
  readAnswered(): void
}

export interface Who {
  caller: string
  id: string
  /** Looks up whose token it is. @returns the share of the caller then */
  resolve?: (() => Promise<string>) | undefined
}

export interface CircuitBreakerOptions {
  /** True for a write class: a write is never sent as a probe. */
  isProbedByReads: boolean
  /** Called when the circuit opens, also after a failed probe, and when it closes. */
  onStateChange: (isOpen: boolean) => void
}

export const createCircuitBreaker = ({ isProbedByReads, onStateChange }: CircuitBreakerOptions): CircuitBreaker => {
  let state: State = closed()
  let failedProbes = 0

  const open = ({ callers, failedIds }: Pick<Open, 'callers' | 'failedIds'>) => {
    const probeAt = elapsedNow() + openMsAfter(failedProbes)
    state = { name: 'open', probeAt, callers, failedIds, trying: new Set(), answeredReads: 0 }
    onStateChange(true)
  }

  /** Opens the circuit when enough callers fail. Several tokens may be of one customer: each is looked up when it fails. */
  const considerOpening = (current: Closed, { caller, resolve }: Who): void => {
    if (current !== state || !isFailing(current)) return
    const failing = evidenceOf(current.callers, elapsedNow())
    if (failing === undefined) return
    if (failing.isCertain) open({ callers: failing.callers, failedIds: current.failedIds })
    else if (current.callers.get(caller)?.isUnresolved) {
      void resolve?.().then(share => {
        settle(current.callers, caller, share)
        considerOpening(current, { caller, id: caller })
      })
    }
  }

  const reopen = (current: HalfOpen) => {
    failedProbes += 1
    open(current.open)
  }

  const close = () => {
    state = closed()
    failedProbes = 0
    onStateChange(false)
  }

  const enterHalfOpen = (current: HalfOpen, caller: string): HalfOpen => {
    const { probing, failed, until } = current
    if (probing.size === 0 && failed.size > 0 && elapsedNow() >= until) {
      reopen(current)
      throw new CircuitOpen(OPEN_MS.first)
    }
    const isFull = probing.size + failed.size >= probesOf(current.open)
    if (isFull || probing.has(caller) || failed.has(caller)) throw new CircuitOpen(OPEN_MS.first)
    probing.add(caller)
    return current
  }

  const recordProbe = (current: HalfOpen, caller: string, result: CallResult) => {
    current.probing.delete(caller)
    if (result === 'success') close()
    else if (result === 'failure') {
      current.failed.add(caller)
      if (current.failed.size >= probesOf(current.open)) reopen(current)
    }
  }

  return {
    enter(caller, id) {
      if (state.name === 'closed') return state
      const opened = state.name === 'open' ? state : state.open
      const { callers, probeAt } = opened
      if (isOutsider(caller, callers)) return state
      if (mayTry(caller, id, opened)) {
        opened.trying.add(caller)
        return state
      }
      if (state.name === 'half-open') return enterHalfOpen(state, caller)
      const now = elapsedNow()
      if (now < probeAt || isProbedByReads) throw new CircuitOpen(now < probeAt ? probeAt - now : OPEN_MS.first)
      const until = now + OPEN_MS.first
      state = { name: 'half-open', open: state, probing: new Set([caller]), failed: new Set(), until }
      return state
    },
    record(begunIn, who, result) {
      const { caller, id } = who
      if (begunIn.name === 'open') begunIn.trying.delete(caller)
      else if (begunIn.name === 'half-open') begunIn.open.trying.delete(caller)
      // The circuit has opened or closed since: the result says nothing about now.
      if (begunIn !== state) return
      if (begunIn.name === 'closed') {
        if (result === 'failure') keep(begunIn.failedIds, id)
        if (result !== 'inconclusive') count(begunIn, who, result)
        if (result === 'failure') considerOpening(begunIn, who)
      } else if (begunIn.name === 'half-open' && begunIn.probing.has(caller)) {
        recordProbe(begunIn, caller, result)
      } else if (result === 'success') {
        close()
      } else if (result === 'failure') {
        const { callers, failedIds } = begunIn.name === 'open' ? begunIn : begunIn.open
        keep(callers, caller)
        keep(failedIds, id)
      }
    },
    readAnswered() {
      if (!isProbedByReads || state.name !== 'open') return
      state.answeredReads += 1
      // Not before `probeAt`: reads that verify the failed writes would close the circuit at once.
      if (state.answeredReads >= READS_TO_CLOSE && elapsedNow() >= state.probeAt) close()
    }
  }
}

const closed = (): Closed => ({
  name: 'closed',
  consecutiveFailures: 0,
  seconds: [],
  callers: new Map(),
  failedIds: new Set()
})

/** As many probes as callers are needed for evidence: one of them may fail for a reason of its own. */
const probesOf = ({ callers }: Open): number => Math.min(callers.size, EVIDENCE.minCallers)

/** Too few have failed to say anything about this caller; what strangers cause says nothing about customers. */
const isOutsider = (caller: string, callers: ReadonlySet<string>): boolean =>
  !callers.has(caller) &&
  (callers.size < EVIDENCE.minCallers || (!isStranger(caller) && [...callers].every(isStranger)))

/** Is this a credential that has not failed itself, at an address whose strangers failed? One at a time is tried. */
const mayTry = (caller: string, id: string, { callers, failedIds, trying }: Open): boolean =>
  isStranger(caller) && !failedIds.has(id) && !trying.has(caller) && [...callers].every(isStranger)

const keep = (names: Set<string>, name: string) => {
  names.add(name)
  for (const oldest of names) {
    if (names.size <= MAX_CALLERS) break
    names.delete(oldest)
  }
}

const count = (state: Closed, { caller, resolve }: Who, result: 'success' | 'failure'): void => {
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
const isFailing = ({ seconds, consecutiveFailures }: Closed): boolean => {
  if (consecutiveFailures >= CONSECUTIVE_FAILURES) return true
  const sum = (of: 'calls' | 'failures') => seconds.reduce((total, counted) => total + counted[of], 0)
  return sum('calls') >= FAILURE_RATE.minCalls && sum('failures') >= FAILURE_RATE.share * sum('calls')
}

/** Puts what a token did into the share of its customer; it keeps its own when HOSTKEY does not tell. */
const settle = (callers: Map<string, Activity>, token: string, share: string): void => {
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
  for (const oldest of callers.keys()) {
    if (callers.size <= MAX_CALLERS) break
    callers.delete(oldest)
  }
}

/**
 * The callers that fail, if they are enough. Strangers count only while there is no customer.
 * @property isCertain they are enough even if all tokens that have not been looked up are of one customer
 */
const evidenceOf = (
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
