import { elapsedNow } from '../../core/clock.ts'
import { keepWithin } from '../../core/keep-within.ts'
import { type CallResult, CircuitOpen, OPEN_MS, openMsAfter } from './circuit-breaker.ts'
import { CONSECUTIVE_FAILURES } from './circuit-evidence.ts'

/** Accounts that fail; beyond it the oldest are forgotten. */
const MAX_ACCOUNTS = 1000

interface Failing {
  consecutiveFailures: number
  /** Probes that have failed since the pause began. */
  failedProbes: number
  isProbing: boolean
  probeAt: number
}

/**
 * Pauses the reads of one account whose calls keep failing, so that they take no slots. Keeps nothing of accounts that
 * answer.
 */
export interface AccountBreakers {
  /** @throws CircuitOpen while the account is paused */
  enter(account: () => string): void
  record(account: () => string, result: CallResult): void
  clear(): void
}

export const createAccountBreakers = (): AccountBreakers => {
  const accounts = new Map<string, Failing>()

  const addFailure = (account: string) => {
    const known = accounts.get(account) ?? { consecutiveFailures: 0, failedProbes: -1, isProbing: false, probeAt: 0 }
    known.consecutiveFailures += 1
    known.isProbing = false
    if (known.consecutiveFailures >= CONSECUTIVE_FAILURES) {
      known.failedProbes += 1
      known.probeAt = elapsedNow() + openMsAfter(known.failedProbes)
    }
    accounts.set(account, known)
    keepWithin(accounts, MAX_ACCOUNTS)
  }

  return {
    enter(account) {
      if (accounts.size === 0) return
      const known = accounts.get(account())
      if (known === undefined || known.consecutiveFailures < CONSECUTIVE_FAILURES) return
      if (known.isProbing) throw new CircuitOpen(OPEN_MS.first)
      const waitMs = known.probeAt - elapsedNow()
      if (waitMs > 0) throw new CircuitOpen(waitMs)
      known.isProbing = true
    },
    record(account, result) {
      if (result === 'failure') return addFailure(account())
      if (accounts.size === 0) return
      if (result === 'success') {
        accounts.delete(account())
        return
      }
      const known = accounts.get(account())
      if (known) known.isProbing = false
    },
    clear: () => accounts.clear()
  }
}
