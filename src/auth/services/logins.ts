import { hash } from 'node:crypto'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Store } from '../../store/index.ts'
import type { Auth, Grant } from '../../upstream/auth.ts'
import type { Sealer } from '../seal.ts'
import { createSharedLogin, isUsable, type LoginRequest } from './shared-login.ts'

/** 30 s: a key that HOSTKEY refused is not sent again before. */
const KEY_REFUSAL_MS = 30_000
/** 5 s: a token that is refused so soon after it replaced another one is not replaced; a further login would not help. */
const REPLACEMENT_MS = 5_000

/** How HOSTKEY refuses a key: sending it again would change nothing. */
export const KEY_REFUSALS = [
  'invalid-credentials',
  'api-key-login-unavailable',
  'two-factor-required',
  'forbidden'
] as const

/** Logs in with the API keys of services, once for all requests and replicas, and keeps the tokens. */
export interface Logins {
  /**
   * A token for the key.
   * @param refused the token that HOSTKEY has refused: another one is needed
   * @param timing of the request; it counts a login that the request starts, and none that it joins
   * @throws Problem invalid-credentials, api-key-login-unavailable, upstream-unavailable …
   */
  grant(apiKey: Secret, refused?: Secret, timing?: UpstreamTiming): Promise<Grant>
}

interface KeyRefusal {
  problem: Problem
  until: number
}

/** @param now milliseconds since 1970 */
export const createLogins = (auth: Auth, store: Store, sealer: Sealer, now: Clock = latestNow): Logins => {
  const sharedLogin = createSharedLogin(auth, store, sealer, now)
  // By store key. Bounded by the number of services in the registry.
  const grants = new Map<string, Grant>()
  const keyRefusals = new Map<string, KeyRefusal>()
  const replacedUntil = new Map<string, number>()
  const running = new Map<string, Promise<Grant>>()

  const logIn = async (request: LoginRequest): Promise<Grant> => {
    const { storeKey, refused } = request
    if (refused !== undefined && (replacedUntil.get(storeKey) ?? 0) > now()) {
      throw new Problem('upstream-unavailable', 'HOSTKEY refuses the tokens that it issues.', { retryAfterSeconds: 5 })
    }
    try {
      const grant = await sharedLogin(request)
      if (refused !== undefined) replacedUntil.set(storeKey, now() + REPLACEMENT_MS)
      grants.set(storeKey, grant)
      return grant
    } catch (error) {
      if (isProblem(error, ...KEY_REFUSALS)) {
        keyRefusals.set(storeKey, { problem: error, until: now() + KEY_REFUSAL_MS })
      }
      throw error
    }
  }

  return {
    async grant(apiKey, refused, timing) {
      const storeKey = `login:${hash('sha256', apiKey.reveal(), 'base64url')}`
      const known = grants.get(storeKey)
      if (isUsable(known, refused, now())) return known
      const refusal = keyRefusals.get(storeKey)
      if (refusal && refusal.until > now()) throw refusal.problem
      for (let current = running.get(storeKey); current; current = running.get(storeKey)) {
        const joined = await current
        // The login that was joined may return the very token that was refused.
        if (joined.token.fingerprint() !== refused?.fingerprint()) return joined
      }
      const login = logIn({ storeKey, apiKey, refused, timing }).finally(() => running.delete(storeKey))
      running.set(storeKey, login)
      return login
    }
  }
}
