import { type Scope, scopes } from '../../schemas/scopes.ts'
import type { Caller, Identity } from '../core/caller.ts'
import type { RequestContext } from '../core/context.ts'
import { Problem } from '../core/problem.ts'
import type { Secret } from '../core/secret.ts'
import type { Auth, Credential } from '../upstream/auth.ts'
import { idOf } from './abouts.ts'
import { createRevocation, type RevocationEvents } from './revocation.ts'
import type { ListedSession, LoginOrigin, Session, SessionRecords } from './session-records.ts'

/** Who the caller is at HOSTKEY, until when, and what it may do. */
export interface SessionInfo extends Identity {
  scopes: readonly Scope[]
}

export interface LoginOptions {
  context: RequestContext
  /** The session cookie that the browser sent; its session ends. */
  shownCookie: Secret | undefined
  /** For the list of sessions. */
  origin?: LoginOrigin
}

/** Logging in and out. Every method throws StoreUnavailable when the store does not answer. */
export interface Sessions {
  /**
   * Turns a credential into a new session, and ends the session that the browser had.
   * @throws Problem as `Auth.grant`; invalid-token when the token has expired already
   */
  logIn(
    credential: Credential,
    options: LoginOptions
  ): Promise<{ cookie: Secret; session: SessionInfo & { expiresAt: number } }>
  /** Ends the session of a cookie and revokes its token. @returns the session; undefined when there was none */
  logOut(cookie: Secret | undefined): Promise<Session | undefined>
  /** Ends every session of the caller's customer. @throws Problem forbidden; those of `Caller.identity` */
  endAll(caller: Caller): Promise<void>
  /** The live sessions of the caller's customer, the newest first. @throws as `endAll` */
  list(caller: Caller): Promise<(ListedSession & { isCurrent: boolean })[]>
  /** Ends one of them. @throws Problem session-not-found; as `endAll` */
  endOne(caller: Caller, sessionId: string): Promise<void>
  /** @throws Problem invalid-token, upstream-unavailable when HOSTKEY must be asked */
  describe(caller: Caller): Promise<SessionInfo>
}

export interface SessionsOptions {
  auth: Auth
  records: SessionRecords
  revocation: RevocationEvents
}

export const createSessions = ({ auth, records, revocation }: SessionsOptions): Sessions => {
  const revokeLater = createRevocation(auth, revocation)

  const removeShown = async (cookie: Secret | undefined) => cookie && (await records.remove(cookie))

  return {
    async logIn(credential, { context, shownCookie, origin }) {
      const grant = await auth.grant(credential, context)
      try {
        const ended = await removeShown(shownCookie)
        // A second login with the same token must not revoke it.
        if (ended && ended.token.fingerprint() !== grant.token.fingerprint()) revokeLater(ended.token)
        const { cookie, session } = await records.create(grant, origin)
        const { identity, scopes, expiresAt } = session
        return { cookie, session: { ...identity, expiresAt, scopes } }
      } catch (error) {
        // A token that was issued for this login is lost with it; one that the caller brought stays valid.
        if (!('token' in credential)) revokeLater(grant.token)
        throw error
      }
    },

    async logOut(cookie) {
      const ended = await removeShown(cookie)
      if (ended) revokeLater(ended.token)
      return ended
    },

    async endAll(caller) {
      const customerId = await customerOf(caller)
      await records.removeAll(customerId)
      // The tokens of the other sessions cannot be opened without their cookies: they stay valid until they expire.
      if (caller.authScheme === 'session') revokeLater(await caller.token())
    },

    async list(caller) {
      const found = await records.list(await customerOf(caller))
      const current = currentOf(caller)
      return found.map(session => ({ ...session, isCurrent: session.sessionId === current }))
    },

    async endOne(caller, sessionId) {
      if (!(await records.removeOne(await customerOf(caller), sessionId))) {
        throw new Problem('session-not-found', 'The customer has no such session.')
      }
      // The token of another session cannot be opened without its cookie.
      if (sessionId === currentOf(caller)) revokeLater(await caller.token())
    },

    async describe(caller) {
      const identity = await caller.identity()
      const granted = await Promise.all(scopes.map(async scope => ((await caller.grants(scope)) ? [scope] : [])))
      return { ...identity, scopes: granted.flat() }
    }
  }
}

/** The session of the request. */
const currentOf = ({ authScheme, origin }: Caller): string | undefined =>
  authScheme === 'session' ? origin?.needs.map(idOf)[0] : undefined

/** Whose sessions the caller may see and end. @throws Problem forbidden; those of `Caller.identity` */
const customerOf = async (caller: Caller): Promise<number> => {
  if (caller.authScheme === 'service' || caller.authScheme === 'token') {
    throw new Problem('forbidden', 'Services and tokens of the gateway have no part in the sessions of a customer.')
  }
  const { customerId } = await caller.identity()
  if (customerId === undefined) throw new Problem('forbidden', 'HOSTKEY reports no customer for this credential.')
  return customerId
}
