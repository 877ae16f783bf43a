import type { Caller } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Session, Sessions } from '../sessions.ts'

/** Browsers show a cookie: the token stays here. */
export const createSessionAuthenticator =
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

const callerOf = ({ token, identity, scopes, expiresAt }: Session, refreshToken: () => Promise<never>): Caller => ({
  authScheme: 'session',
  id: identity.customerId === undefined ? `session:${token.fingerprint()}` : `customer:${identity.customerId}`,
  limitFactor: 1,
  accounts: undefined,
  token: async () => token,
  grants: async scope => scopes.includes(scope),
  identity: async () => ({ ...identity, expiresAt }),
  refreshToken
})
