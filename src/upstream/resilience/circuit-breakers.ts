import { isProblem, Problem } from '../../core/problem.ts'
import type { CallClass } from './call-classes.ts'
import { type Breaker, createBreaker, Open, type Sign } from './circuit-breaker.ts'

/** A breaker of writes is never probed by a write: it closes when so many reads have succeeded since it opened. */
const READS_TO_CLOSE = 3

/** HOSTKEY's health as each class of calls finds it. */
export interface Breakers {
  /** @throws Problem upstream-unavailable when the breaker of the class is open: nothing was sent */
  run<T>(callClass: CallClass, work: () => Promise<T>, caller: AbortSignal): Promise<T>
}

/** @param report told of each turn, for log and metrics */
export const createBreakers = (report: (name: CallClass['name'], isOpen: boolean) => void): Breakers => {
  const breakers = new Map<CallClass['name'], Breaker>()
  const held = new Set<{ reads: number; release: () => boolean }>()

  const breakerOf = ({ name, isWrite }: CallClass): Breaker => {
    const known = breakers.get(name)
    if (known) return known
    const breaker = createBreaker(isOpen => {
      report(name, isOpen)
      if (isOpen && isWrite) held.add({ reads: 0, release: breaker.hold() })
    })
    breakers.set(name, breaker)
    return breaker
  }

  /** A refusal is an answer too. */
  const answered = ({ name }: CallClass): void => {
    if (name !== 'read') return
    for (const waiting of held) {
      waiting.reads += 1
      // It rests all the same: else the looks at what became of the failed writes would close it at once.
      if (waiting.reads >= READS_TO_CLOSE && waiting.release()) held.delete(waiting)
    }
  }

  return {
    async run(callClass, work, caller) {
      const breaker = breakerOf(callClass)
      try {
        const result = await breaker.run(work, error => {
          const sign = signOf(error, callClass, caller)
          if (sign === 'well') answered(callClass)
          return sign
        })
        answered(callClass)
        return result
      } catch (error) {
        if (!(error instanceof Open)) throw error
        throw new Problem('upstream-unavailable', 'HOSTKEY has been failing; nothing is sent to it for a moment.', {
          retryAfterSeconds: Math.ceil((breaker.restMs ?? 0) / 1000) || 1,
          ...(callClass.isWrite && { outcome: 'not-applied' })
        })
      }
    }
  }
}

/** HOSTKEY is sick when it does not answer, or not sense; a refusal is a healthy answer. */
const signOf = (error: unknown, { isWrite }: CallClass, caller: AbortSignal): Sign => {
  if (!isProblem(error)) return 'none'
  const isSick = isProblem(error, 'upstream-unreachable', 'upstream-timeout', 'upstream-bad-response')
  if (!isSick) return 'well'
  // A read ends with its caller, and nobody knows what would have come.
  return caller.aborted && !isWrite ? 'none' : 'sick'
}
