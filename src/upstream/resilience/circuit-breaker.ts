import { elapsedNow } from '../../core/clock.ts'
import {
  count,
  evidenceOf,
  isFailing,
  isOutsider,
  keep,
  mayTry,
  moveActivity,
  probesOf,
  type Who
} from './circuit-evidence.ts'
import { type Closed, closed, type HalfOpen, type Open, type State } from './circuit-state.ts'

/** Stays open for 1 s, then twice as long after each failed probe; ± 20 %, so that replicas do not probe together. */
export const OPEN_MS = { first: 1000, max: 30_000 }
const JITTER = 0.2

/** Answered reads that close the circuit of a write class. */
const READS_TO_CLOSE = 3

/** What a call says about HOSTKEY's health. A call that was aborted by its caller is inconclusive. */
export type CallResult = 'success' | 'failure' | 'inconclusive'

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
        moveActivity(current.callers, caller, share)
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
