import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
  type IBackoff,
  type IBackoffFactory,
  type IBreaker,
  SamplingBreaker
} from 'cockatiel'

/** Five failures in a row, or half of at least twenty calls in ten seconds (Envoy's figures). */
const IN_A_ROW = 5
// Cockatiel opens above its threshold, and half is enough.
const SAMPLED = { threshold: 0.499, duration: 10_000, minimumRps: 2 }

/** How long it stays open: twice as long after each probe that fails, and not at the same moment as other replicas. */
const REST_MS = { first: 1000, longest: 30_000 }
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
  /** Keeps the breaker open until the function that comes back is called. */
  hold(): () => void
}

/** Nothing was sent. */
export class Open extends Error {}

/** An error that counts against the upstream. */
class Sick extends Error {
  readonly own: unknown
  constructor(own: unknown) {
    super('sick')
    this.own = own
  }
}

const ownError = (error: unknown): never => {
  throw error instanceof Sick ? error.own : error
}

/** @param onTurn told when it opens and when it closes again */
export const createBreaker = (onTurn: (isOpen: boolean) => void): Breaker => {
  let restsUntil = 0
  /** Calls that began before it opened or closed last tell of another time. */
  let era = 0
  const rules = either(new ConsecutiveBreaker(IN_A_ROW), new SamplingBreaker(SAMPLED))
  const policy = circuitBreaker(handleType(Sick), {
    breaker: rules,
    halfOpenAfter: resting(ms => {
      restsUntil = Date.now() + ms
    })
  })
  const turn = (isOpen: boolean) => {
    era += 1
    onTurn(isOpen)
  }
  policy.onReset(() => turn(false))
  policy.onBreak(reason => 'isolated' in reason || turn(true))

  return {
    get restMs() {
      if (policy.state === CircuitState.Isolated || policy.state === CircuitState.HalfOpen) return REST_MS.first
      const restMs = restsUntil - Date.now()
      return policy.state === CircuitState.Open && restMs > 0 ? restMs : undefined
    },
    async run(work, signOf) {
      // While one call probes, the others are sent away: they must not hang on its answer.
      if (this.restMs !== undefined) throw new Open()
      const begunIn = era
      const outcome = await policy
        .execute(async () => {
          try {
            return { value: await work() }
          } catch (error) {
            const sign = signOf(error)
            if (sign === 'well') return { error }
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
        rules.success(CircuitState.HalfOpen)
        held.dispose()
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
  failure(state) {
    // Both must see it: no short cut.
    const isBrokenForA = a.failure(state)
    return b.failure(state) || isBrokenForA
  }
})

const resting = (begin: (ms: number) => void): IBackoffFactory<{ attempt: number }> => {
  const next = ({ attempt }: { attempt: number }): IBackoff<{ attempt: number }> => {
    const ms = Math.min(REST_MS.longest, REST_MS.first * 2 ** (attempt - 1)) * (1 + JITTER * (2 * Math.random() - 1))
    begin(ms)
    return { duration: ms, next }
  }
  return { next }
}
