import { elapsedNow } from '../../core/clock.ts'

/** Opens after 5 failures in a row, or when half of at least 20 calls in 10 s fail. Envoy's defaults are 5 and 10 s. */
export const CONSECUTIVE_FAILURES = 5
export const FAILURE_RATE = { share: 0.5, minCalls: 20, windowSeconds: 10 }

/** Stays open for 1 s, then twice as long after each failed probe; ± 20 %, so that replicas do not probe together. */
export const OPEN_MS = { first: 1000, max: 30_000 }
const JITTER = 0.2

/** Answered reads that close the circuit of a write class. */
const READS_TO_CLOSE = 3

/** What a call says about HOSTKEY's health. A call that was aborted by its caller is inconclusive. */
export type CallResult = 'success' | 'failure' | 'inconclusive'

/** Calls and failures in each of the last seconds; failures in a row. */
interface Closed {
  readonly name: 'closed'
  consecutiveFailures: number
  seconds: { second: number; calls: number; failures: number }[]
}

/** No call is sent. From `probeAt` on, the next call is the probe; a write class waits for answered reads instead. */
interface Open {
  readonly name: 'open'
  readonly probeAt: number
  answeredReads: number
}

/** The probe is in flight. No other call is sent. */
interface HalfOpen {
  readonly name: 'half-open'
  readonly open: Open
}

type State = Closed | Open | HalfOpen

/** The circuit is open; nothing was sent. */
export class CircuitOpen extends Error {
  readonly retryAfterMs: number
  constructor(retryAfterMs: number) {
    super('circuit open')
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * Stops the calls to an upstream that keeps failing, and finds out with one call at a time when it works again. See
 * docs/explanation/reliability.md#circuit-breaker.
 */
export interface CircuitBreaker {
  /**
   * Sends a call.
   * @param resultOf what an error says about HOSTKEY; a return value is a success
   * @throws CircuitOpen, and the error of the call
   */
  run<T>(send: () => Promise<T>, resultOf: (error: unknown) => CallResult): Promise<T>
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

  const open = () => {
    const openMs = Math.min(OPEN_MS.max, OPEN_MS.first * 2 ** failedProbes)
    const jittered = Math.round(openMs * (1 + JITTER * (2 * Math.random() - 1)))
    state = { name: 'open', probeAt: elapsedNow() + jittered, answeredReads: 0 }
    onStateChange(true)
  }

  const close = () => {
    state = closed()
    failedProbes = 0
    onStateChange(false)
  }

  /** The state in which a call begins. @throws CircuitOpen */
  const enter = (): Closed | HalfOpen => {
    if (state.name === 'closed') return state
    if (state.name === 'half-open') throw new CircuitOpen(OPEN_MS.first)
    const waitMs = state.probeAt - elapsedNow()
    if (waitMs > 0 || isProbedByReads) throw new CircuitOpen(waitMs > 0 ? waitMs : OPEN_MS.first)
    state = { name: 'half-open', open: state }
    return state
  }

  const record = (begunIn: Closed | HalfOpen, result: CallResult) => {
    // The circuit has opened or closed since: the result says nothing about now.
    if (begunIn !== state) return
    if (begunIn.name === 'closed') {
      if (result !== 'inconclusive' && isTripped(begunIn, result)) open()
    } else if (result === 'success') {
      close()
    } else if (result === 'failure') {
      failedProbes += 1
      open()
    } else {
      // The next call is the probe.
      state = begunIn.open
    }
  }

  return {
    async run(send, resultOf) {
      const begunIn = enter()
      try {
        const value = await send()
        record(begunIn, 'success')
        return value
      } catch (error) {
        record(begunIn, resultOf(error))
        throw error
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

const closed = (): Closed => ({ name: 'closed', consecutiveFailures: 0, seconds: [] })

/** Counts a call. @returns true when the circuit must open */
const isTripped = (state: Closed, result: 'success' | 'failure'): boolean => {
  const second = Math.floor(elapsedNow() / 1000)
  let current = state.seconds.at(-1)
  if (current?.second !== second) {
    current = { second, calls: 0, failures: 0 }
    const first = second - FAILURE_RATE.windowSeconds
    state.seconds = [...state.seconds.filter(count => count.second > first), current]
  }
  current.calls += 1
  if (result === 'success') {
    state.consecutiveFailures = 0
    return false
  }
  current.failures += 1
  state.consecutiveFailures += 1

  const sum = (of: 'calls' | 'failures') => state.seconds.reduce((total, count) => total + count[of], 0)
  const isRateTooHigh = sum('calls') >= FAILURE_RATE.minCalls && sum('failures') >= FAILURE_RATE.share * sum('calls')
  return state.consecutiveFailures >= CONSECUTIVE_FAILURES || isRateTooHigh
}
