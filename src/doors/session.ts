import type { Caller } from '../caller.ts'
import { Problem } from '../problem.ts'
import type { Secret } from '../secret.ts'
import type { Session, Sessions } from '../sessions.ts'

/**
 * The cookie. `__Host-` binds it to this host, `Http-` keeps page script from planting it; Chromium enforces both, also
 * on http://localhost (measured).
 */
export const COOKIE = '__Host-Http-session'

const flags = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

/** @param maxAgeSeconds the session's life */
export const cookieFlags = (maxAgeSeconds: number) => ({ ...flags, maxAge: Math.max(0, Math.floor(maxAgeSeconds)) })

/** The same flags: a cookie is cleared only by its like. */
export const clearingFlags = { ...flags, maxAge: 0 }

/** Browsers show a cookie: the token stays here. */
export const createSessionDoor =
  (sessions: Sessions) =>
  async (cookie: Secret): Promise<Caller> => {
    const session = await sessions.open(cookie)
    if (!session) throw sessionExpired()
    return callerOf(session, async () => {
      await sessions.end(cookie)
      throw sessionExpired()
    })
  }

/** 401 that also clears the cookie: see `plugins/authenticate`. */
const sessionExpired = () => new Problem('session-expired', 'The session has ended: log in again.')

const callerOf = ({ token, identity, scopes, expiresAt }: Session, renewed: () => Promise<never>): Caller => ({
  door: 'session',
  id: identity.customerId === undefined ? `session:${token.fingerprint()}` : `customer:${identity.customerId}`,
  limitFactor: 1,
  accounts: undefined,
  token: async () => token,
  grants: async scope => scopes.includes(scope),
  identity: async () => ({ ...identity, expiresAt }),
  renewed
})
