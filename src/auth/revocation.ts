import { setTimeout as pause } from 'node:timers/promises'
import { isProblem } from '../core/problem.ts'
import type { Secret } from '../core/secret.ts'
import type { Auth } from '../upstream/auth.ts'

/** Tokens that wait to be revoked; beyond this number the oldest are dropped and stay valid until they expire. */
const MAX_WAITING = 1000
const MAX_ATTEMPTS = 3
const RETRY_DELAY_MS = 2000

export interface RevocationEvents {
  /** The token has ended at HOSTKEY. */
  onRevoked: (token: Secret) => void
  /** The token could not be revoked after all attempts; it stays valid until it expires. */
  onFailed: (token: Secret) => void
}

/**
 * Revokes tokens at HOSTKEY in the background, one after the other: a logout neither waits for it nor fails with it.
 * @returns a function that queues a token
 */
export const createRevocation = (auth: Auth, { onRevoked, onFailed }: RevocationEvents) => {
  const waiting: Secret[] = []
  let isRunning = false

  const revoke = async (token: Secret): Promise<void> => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      if (attempt > 1) await pause(RETRY_DELAY_MS, undefined, { ref: false })
      const isRevoked = await auth.revoke(token).then(
        () => true,
        // HOSTKEY does not accept the token: it has ended already.
        error => isProblem(error, 'invalid-token')
      )
      if (isRevoked) return onRevoked(token)
    }
    onFailed(token)
  }

  const run = async (): Promise<void> => {
    isRunning = true
    for (let token = waiting.shift(); token; token = waiting.shift()) await revoke(token)
    isRunning = false
  }

  return (token: Secret): void => {
    waiting.push(token)
    if (waiting.length > MAX_WAITING) waiting.shift()
    if (!isRunning) void run()
  }
}
