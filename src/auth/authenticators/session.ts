import type { Caller } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'
import type { Secret } from '../../core/secret.ts'
import type { Count } from '../../store/store.ts'
import { ownerOfSession, type Session, type SessionLimits, type SessionRecords } from '../session-records.ts'

/** Who sends a credential of which the store has the record. */
export interface StoredCaller {
  /** Undefined when it has ended, or a limit of the address is exceeded. */
  caller: Caller | undefined
  /** Of the limits, up to the first that was exceeded. */
  counts: Count[]
}

/** Browsers send the session cookie; the token stays in the gateway. */
export const createSessionAuthenticator =
  (records: SessionRecords) =>
  async (cookie: Secret, limits: SessionLimits): Promise<StoredCaller> => {
    const { session, counts } = await records.open(cookie, limits)
    if (!session) return { caller: undefined, counts }
    const caller = callerOf(session, async () => {
      await records.remove(cookie)
      throw sessionExpired()
    })
    return { caller, counts }
  }

export const sessionExpired = () => new Problem('session-expired', 'The session has ended: log in again.')

const callerOf = (session: Session, refreshToken: Caller['refreshToken']): Caller => {
  const { key, token, identity, scopes, expiresAt } = session
  const id = ownerOfSession(session)
  return {
    authScheme: 'session',
    id,
    share: id,
    limitFactor: 1,
    accounts: undefined,
    expiresAt,
    origin: { needs: [key] },
    token: () => token,
    grants: scope => scopes.includes(scope),
    identity: async () => ({ ...identity, expiresAt }),
    refreshToken
  }
}
