import type { Caller } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Session, SessionRecords } from '../session-records.ts'

/** Browsers send the session cookie; the token stays in the gateway. */
export const createSessionAuthenticator =
  (records: SessionRecords) =>
  async (cookie: Secret): Promise<Caller> => {
    const session = await records.open(cookie)
    if (!session) throw sessionExpired()
    return callerOf(session, async () => {
      await records.remove(cookie)
      throw sessionExpired()
    })
  }

const sessionExpired = () => new Problem('session-expired', 'The session has ended: log in again.')

const callerOf = ({ token, identity, scopes, expiresAt }: Session, refreshToken: Caller['refreshToken']): Caller => {
  const id = identity.customerId === undefined ? `session:${token.fingerprint()}` : `customer:${identity.customerId}`
  return {
    authScheme: 'session',
    id,
    share: id,
    limitFactor: 1,
    accounts: undefined,
    token: () => token,
    grants: scope => scopes.includes(scope),
    identity: async () => ({ ...identity, expiresAt }),
    refreshToken
  }
}
