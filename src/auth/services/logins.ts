import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Identity } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { Secret } from '../../core/secret.ts'
import type { Store } from '../../store/index.ts'
import { type Auth, anonymousContext, type Grant } from '../../upstream/auth.ts'
import type { Sealer } from '../seal.ts'

/** A token is renewed so long before it ends. */
const RENEW_BEFORE_MS = 60_000
/** A key that HOSTKEY refused is not shown again for so long. */
const REFUSED_MS = 30_000
/** A token that is refused so soon after it replaced a refused one is not the reason: another login would not help. */
const RENEWED_MS = 5_000
/** Longer than a login takes, if only just: a replica that dies meanwhile leaves its lock behind. */
const LOCK_MS = 10_000
/** How long a replica waits for another one's login; then it logs in by itself. */
const WAIT_MS = 5_000
const POLL_MS = 50

/** Logs in with API keys, once for all callers of all replicas, and keeps the tokens. */
export interface Logins {
  /**
   * A token for the key.
   * @param refused the token that HOSTKEY has just refused: another one is wanted
   * @param timing of the request that asks: it counts a login that it begins, and none that it joins
   * @throws Problem invalid-credentials, api-key-login-unavailable, upstream-unavailable …
   */
  grant(apiKey: Secret, refused?: Secret, timing?: UpstreamTiming): Promise<Grant>
}

/** A login that is to be had. */
interface Wish {
  /** Of the key, in the store. */
  name: string
  apiKey: Secret
  refused: Secret | undefined
  timing: UpstreamTiming | undefined
}

/** Ways in which HOSTKEY refuses a key: to show it again would change nothing. */
export const KEY_REFUSALS = [
  'invalid-credentials',
  'api-key-login-unavailable',
  'two-factor-required',
  'forbidden'
] as const

interface Refusal {
  problem: Problem
  until: number
}

/** @param now milliseconds since 1970 */
export const createLogins = (auth: Auth, store: Store, sealer: Sealer, now: Clock = latestNow): Logins => {
  const grants = new Map<string, Grant>()
  const refusals = new Map<string, Refusal>()
  const renewals = new Map<string, number>()
  const running = new Map<string, Promise<Grant>>()

  const isUsable = (grant: Grant | undefined, refused: Secret | undefined): grant is Grant =>
    grant !== undefined &&
    grant.token.fingerprint() !== refused?.fingerprint() &&
    (grant.identity.expiresAt ?? 0) - RENEW_BEFORE_MS > now()

  /** Kept sealed under the key itself: every replica of the service has it, and the store does not. */
  const shared = {
    async read(name: string, apiKey: Secret): Promise<Grant | undefined> {
      const sealed = await store.get(name).catch(() => undefined)
      const text = sealed === undefined ? undefined : sealer.open(sealed, name, apiKey.reveal())
      if (text === undefined) return undefined
      // Only this module writes the record, and the seal proves that it is as it was written.
      const { token, identity } = JSON.parse(text) as { token: string; identity: Identity }
      return { token: new Secret(token), identity }
    },
    async write(name: string, apiKey: Secret, { token, identity }: Grant): Promise<void> {
      const sealed = sealer.seal(JSON.stringify({ token: token.reveal(), identity }), name, apiKey.reveal())
      await store.put(name, sealed, Math.max(1, (identity.expiresAt ?? now()) - now())).catch(() => undefined)
    }
  }

  const logIn = async ({ name, apiKey, timing }: Wish): Promise<Grant> => {
    try {
      const grant = await auth.grant({ apiKey }, anonymousContext({ timing }))
      await shared.write(name, apiKey, grant)
      return grant
    } catch (error) {
      if (isProblem(error, ...KEY_REFUSALS)) {
        refusals.set(name, { problem: error, until: now() + REFUSED_MS })
      }
      throw error
    }
  }

  /** One replica logs in, the others wait for what it gets. Without a store each process logs in for itself. */
  const logInOnce = async (wish: Wish): Promise<Grant> => {
    const { name, apiKey, refused } = wish
    const lock = `${name}:lock`
    const owner = randomUUID()
    const giveUpAt = now() + WAIT_MS
    while (now() < giveUpAt) {
      const known = await shared.read(name, apiKey)
      if (isUsable(known, refused)) return known
      const isMine = await store.claim(lock, owner, LOCK_MS).catch(() => true)
      if (!isMine) {
        await pause(POLL_MS)
        continue
      }
      try {
        // Between the look and the lock another replica may have finished.
        const fresh = await shared.read(name, apiKey)
        return isUsable(fresh, refused) ? fresh : await logIn(wish)
      } finally {
        await store.release(lock, owner).catch(() => undefined)
      }
    }
    // Whoever has the lock is dead or slow, or could not give it back: one login too many is better than none.
    return logIn(wish)
  }

  const run = async (wish: Wish): Promise<Grant> => {
    const { name, refused } = wish
    const isRenewal = refused !== undefined
    if (isRenewal && (renewals.get(name) ?? 0) > now()) {
      throw new Problem('upstream-unavailable', 'HOSTKEY refuses the tokens that it issues.', { retryAfterSeconds: 5 })
    }
    const grant = await logInOnce(wish)
    if (isRenewal) renewals.set(name, now() + RENEWED_MS)
    grants.set(name, grant)
    return grant
  }

  return {
    async grant(apiKey, refused, timing) {
      const name = `login:${createHash('sha256').update(apiKey.reveal()).digest('base64url')}`
      const known = grants.get(name)
      if (isUsable(known, refused)) return known
      const refusal = refusals.get(name)
      if (refusal && refusal.until > now()) throw refusal.problem
      for (let current = running.get(name); current; current = running.get(name)) {
        const joined = await current
        // Whoever joins may get the very token that it was refused with: then it asks for another one.
        if (joined.token.fingerprint() !== refused?.fingerprint()) return joined
      }
      const login = run({ name, apiKey, refused, timing }).finally(() => running.delete(name))
      running.set(name, login)
      return login
    }
  }
}
