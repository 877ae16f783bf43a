import { setTimeout as pause } from 'node:timers/promises'
import { isProblem } from '../core/problem.ts'
import type { Secret } from '../core/secret.ts'
import type { Auth } from '../upstream/auth.ts'

/** Tokens that wait to be ended; beyond so many, the oldest run out by themselves at HOSTKEY. */
const MAX_WAITING = 1000
const TRIES = 3
const BETWEEN_MS = 2000

/** Ends tokens at HOSTKEY in the background: a logout does not wait for it and does not fail with it. */
export const createRevocation = (auth: Auth, failed: () => void) => {
  const waiting: Secret[] = []
  let isRunning = false

  const revoke = async (token: Secret): Promise<void> => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (tries > 0) await pause(BETWEEN_MS, undefined, { ref: false })
      const done = await auth.revoke(token).then(
        () => true,
        // A token that HOSTKEY does not accept has ended already.
        error => isProblem(error, 'invalid-token')
      )
      if (done) return
    }
    failed()
  }

  const work = async (): Promise<void> => {
    isRunning = true
    for (let token = waiting.shift(); token; token = waiting.shift()) await revoke(token)
    isRunning = false
  }

  return (token: Secret): void => {
    waiting.push(token)
    if (waiting.length > MAX_WAITING) waiting.shift()
    if (!isRunning) void work()
  }
}
