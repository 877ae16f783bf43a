import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
  type IBackoff,
  type IBackoffFactory,
  type IBreaker,
  type IHalfOpenAfterBackoffContext
} from 'cockatiel'
import { elapsedNow } from '../../core/clock.ts'

/** Five failures in a row, or half of at least twenty calls in ten seconds (Envoy's figures). */
export const IN_A_ROW = 5
export const SAMPLED = { share: 0.5, calls: 20, seconds: 10 }

/** How long it stays open: twice as long after each probe that fails, and not at the same moment as other replicas. */
export const REST_MS = { first: 1000, longest: 30_000 }
const JITTER = 0.2

/** What a call says of HOSTKEY's health. `none`: nothing, such as one whose caller has hung up. */
export type Sign = 'well' | 'sick' | 'none'

/** Sends nothing to an upstream that keeps failing, and tries it again with one call at a time. */
export interface Breaker {
  /** How long it is still open at least, milliseconds; undefined when a call may go. */
  readonly restMs: number | undefined
  /**
   * Runs the work, unless the breaker is open.
   * @param signOf what an error says of the upstream
   * @throws Open when it is, and the work's own error
   */
  run<T>(work: () => Promise<T>, signOf: (error: unknown) => Sign): Promise<T>
  /**
   * Keeps the breaker open.
   * @returns closes it, once it has rested: false before
   */
  hold(): () => boolean
}

/** Nothing was sent. */
export class Open extends Error {}

/** An error that keeps the breaker from closing, and all but a probe that told nothing counts against the upstream. */
class Sick extends Error {
  readonly own: unknown
  readonly isInconclusive: boolean
  constructor(own: unknown, isInconclusive = false) {
    super('sick')
    this.own = own
    this.isInconclusive = isInconclusive
  }
}

const ownError = (error: unknown): never => {
  throw error instanceof Sick ? error.own : error
}

/** @param onTurn told when it opens and when it closes again */
export const createBreaker = (onTurn: (isOpen: boolean) => void): Breaker => {
  let restsUntil = 0
  /** Calls that began before it opened last tell of another time. */
  let era = 0
  const rules = either(new ConsecutiveBreaker(IN_A_ROW), createSample())
  const policy = circuitBreaker(handleType(Sick), {
    breaker: rules,
    halfOpenAfter: resting(ms => {
      restsUntil = elapsedNow() + ms
    })
  })
  policy.onReset(() => onTurn(false))
  policy.onBreak(reason => {
    const isNews = 'error' in reason && !(reason.error instanceof Sick && reason.error.isInconclusive)
    if (!isNews) return
    era += 1
    onTurn(true)
  })

  return {
    get restMs() {
      if (policy.state === CircuitState.Isolated || policy.state === CircuitState.HalfOpen) return REST_MS.first
      const restMs = restsUntil - elapsedNow()
      return policy.state === CircuitState.Open && restMs > 0 ? restMs : undefined
    },
    async run(work, signOf) {
      // While one call probes, the others are sent away: they must not hang on its answer.
      if (this.restMs !== undefined) throw new Open()
      const begunIn = era
      const isProbe = policy.state === CircuitState.Open
      const outcome = await policy
        .execute(async () => {
          try {
            return { value: await work() }
          } catch (error) {
            const sign = signOf(error)
            if (sign === 'well') return { error }
            // Of a probe, the policy takes every other error for a success: after this one the next call probes.
            if (sign === 'none' && isProbe) throw new Sick(error, true)
            // An error that the policy does not handle counts for nothing.
            throw sign === 'sick' && begunIn === era ? new Sick(error) : error
          }
        })
        .catch(ownError)
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
    hold() {
      const held = policy.isolate()
      return () => {
        if (elapsedNow() < restsUntil) return false
        rules.success(CircuitState.HalfOpen)
        held.dispose()
        return true
      }
    }
  }
}

/** Opens when either of two rules says so. */
const either = (a: IBreaker, b: IBreaker): IBreaker => ({
  state: undefined,
  success(state) {
    a.success(state)
    b.success(state)
  },
  // One is enough: what the other has counted is forgotten when the breaker closes.
  failure: state => a.failure(state) || b.failure(state)
})

/** Opens when half of enough calls fail. Cockatiel's own rule counts calls of any age until new ones push them out. */
const createSample = (): IBreaker => {
  let counts: { second: number; calls: number; failures: number }[] = []
  const count = (failures: number) => {
    const now = Math.floor(elapsedNow() / 1000)
    counts = counts.filter(({ second }) => second > now - SAMPLED.seconds)
    const last = counts.at(-1)
    if (last?.second === now) Object.assign(last, { calls: last.calls + 1, failures: last.failures + failures })
    else counts.push({ second: now, calls: 1, failures })
  }
  const sumOf = (what: 'calls' | 'failures') => counts.reduce((sum, count) => sum + count[what], 0)
  return {
    state: undefined,
    success(state) {
      if (state === CircuitState.HalfOpen) counts = []
      count(0)
    },
    failure() {
      count(1)
      return sumOf('calls') >= SAMPLED.calls && sumOf('failures') >= SAMPLED.share * sumOf('calls')
    }
  }
}

/** The policy itself never waits: its clock is the machine's, which may be set back and prolong the rest. */
const OURS = Number.NEGATIVE_INFINITY

const resting = (begin: (ms: number) => void): IBackoffFactory<IHalfOpenAfterBackoffContext> => {
  const restAfter =
    (failedProbes: number) =>
    ({ result }: IHalfOpenAfterBackoffContext): IBackoff<IHalfOpenAfterBackoffContext> => {
      if ('error' in result && result.error instanceof Sick && result.error.isInconclusive) {
        return { duration: OURS, next: restAfter(failedProbes) }
      }
      const wholeMs = Math.min(REST_MS.longest, REST_MS.first * 2 ** failedProbes)
      const ms = Math.round(wholeMs * (1 + JITTER * (2 * Math.random() - 1)))
      begin(ms)
      return { duration: OURS, next: restAfter(failedProbes + 1) }
    }
  return { next: restAfter(0) }
}
