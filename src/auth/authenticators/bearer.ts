import { customerScopes, scopesOfRole } from '../../../schemas/scopes.ts'
import type { Caller, Identity } from '../../core/caller.ts'
import { type Clock, latestNow } from '../../core/clock.ts'
import type { UpstreamTiming } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Auth } from '../../upstream/auth.ts'

/** How long the identity behind a token is cached; never longer than the token lives. */
const CACHED_MS = 60_000
const MAX_CACHED = 10_000

/** Third parties send HOSTKEY's own token: it is passed through and not kept. */
export const createBearerAuthenticator = (auth: Auth, now: Clock = latestNow) => {
  const identities = new Map<string, { identity: Promise<Identity>; until: number }>()

  const identityOf = (token: Secret, timing?: UpstreamTiming): Promise<Identity> => {
    const fingerprint = token.fingerprint()
    const known = identities.get(fingerprint)
    if (known && known.until > now()) return known.identity
    const identity = auth.identify(token, timing)
    const entry = { identity, until: now() + CACHED_MS }
    identities.set(fingerprint, entry)
    identity.then(
      ({ expiresAt = entry.until }) => Object.assign(entry, { until: Math.min(entry.until, expiresAt) }),
      () => identities.delete(fingerprint)
    )
    for (const oldest of identities.keys()) {
      if (identities.size <= MAX_CACHED) break
      identities.delete(oldest)
    }
    return identity
  }

  return (token: Secret, timing?: UpstreamTiming): Caller => ({
    authScheme: 'bearer',
    id: `token:${token.fingerprint()}`,
    limitFactor: 1,
    accounts: undefined,
    token: async () => token,
    // Every customer has these scopes, and HOSTKEY checks the token itself: only other scopes cost a call.
    grants: async scope =>
      customerScopes.includes(scope) || scopesOfRole((await identityOf(token, timing)).role).includes(scope),
    identity: () => identityOf(token, timing),
    refreshToken: async () => {
      throw new Problem('invalid-token', 'HOSTKEY does not accept the token.')
    }
  })
}
