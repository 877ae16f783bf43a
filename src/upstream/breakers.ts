import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IBreaker,
  SamplingBreaker
} from 'cockatiel'
import { isProblem, Problem } from '../problem.ts'
import type { CallClass } from './classes.ts'

/** Five failures in a row, or half of at least twenty calls in ten seconds (Envoy's figures). */
const IN_A_ROW = 5
const SAMPLED = { threshold: 0.5, duration: 10_000, minimumRps: 2 }

/** How long it stays open: doubling, with decorrelated jitter. */
const OPEN_MS = { initialDelay: 1000, maxDelay: 30_000 }

/** A breaker of writes is never probed by a write: it closes when so many reads have succeeded since it opened. */
const READS_TO_CLOSE = 3

/** HOSTKEY is sick when it does not answer, or not sense; a refusal is a healthy answer. */
const isSickness = (error: unknown): boolean =>
  isProblem(error, 'upstream-unreachable', 'upstream-timeout', 'upstream-bad-response')

/** Opens when either of two rules says so. */
const eitherBreaker = (a: IBreaker, b: IBreaker): IBreaker => ({
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

const createPolicy = (): CircuitBreakerPolicy =>
  circuitBreaker(handleWhen(isSickness), {
    breaker: eitherBreaker(new ConsecutiveBreaker(IN_A_ROW), new SamplingBreaker(SAMPLED)),
    halfOpenAfter: new ExponentialBackoff(OPEN_MS)
  })

const unavailable = (retryAfterSeconds: number) =>
  new Problem('upstream-unavailable', 'HOSTKEY has been failing; it gets a rest.', { retryAfterSeconds })

/** Lets HOSTKEY rest when it fails: one breaker for each class. */
export interface Breakers {
  /** @throws Problem upstream-unavailable when the breaker of the class is open: nothing was sent */
  run<T>(callClass: CallClass, work: () => Promise<T>): Promise<T>
}

export const createBreakers = (): Breakers => {
  const policies = new Map<CallClass['name'], CircuitBreakerPolicy>()
  const closers = new Set<{ reads: number; close: () => void }>()

  const policyOf = ({ name, isWrite }: CallClass): CircuitBreakerPolicy => {
    const known = policies.get(name)
    if (known) return known
    const policy = createPolicy()
    if (isWrite) policy.onBreak(reason => 'isolated' in reason || holdOpen(policy))
    policies.set(name, policy)
    return policy
  }

  /** Held open until reads have shown that HOSTKEY is well again. */
  const holdOpen = (policy: CircuitBreakerPolicy): void => {
    const hold = policy.isolate()
    closers.add({ reads: 0, close: () => hold.dispose() })
  }

  const readSucceeded = (): void => {
    for (const closer of closers) {
      closer.reads += 1
      if (closer.reads < READS_TO_CLOSE) continue
      closer.close()
      closers.delete(closer)
    }
  }

  return {
    async run(callClass, work) {
      const policy = policyOf(callClass)
      // While one read probes, the others are sent away: they must not hang on its answer.
      if (policy.state === CircuitState.HalfOpen) throw unavailable(1)
      try {
        const result = await policy.execute(work)
        if (callClass.name === 'read') readSucceeded()
        return result
      } catch (error) {
        if (error instanceof Problem) throw error
        if (policy.state === CircuitState.Open || policy.state === CircuitState.Isolated) throw unavailable(restOf(policy))
        throw error
      }
    }
  }
}

/** Seconds until the breaker lets a probe through, at the most. */
const restOf = (policy: CircuitBreakerPolicy): number => {
  // What cockatiel serialises of its own state; only an open breaker has these members.
  const { ownState } = policy.toJSON() as { ownState: { openedAt?: number; attemptNo?: number } }
  if (ownState.openedAt === undefined) return 2
  const openMs = Math.min(OPEN_MS.maxDelay, OPEN_MS.initialDelay * 2 ** ((ownState.attemptNo ?? 1) - 1))
  return Math.max(1, Math.ceil((ownState.openedAt + openMs - Date.now()) / 1000))
}
