import { createHash, randomBytes } from 'node:crypto'
import { type Scope, scopesOfRole } from '../../schemas/scopes.ts'
import type { Identity } from '../core/caller.ts'
import { type Clock, latestNow } from '../core/clock.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Store } from '../store/index.ts'
import type { Grant } from '../upstream/auth.ts'
import type { Sealer } from './seal.ts'

const MINUTE_MS = 60_000

/** Idle sessions end after 15 minutes, busy ones after 8 hours, and none outlives its token. */
export const IDLE_MS = 15 * MINUTE_MS
export const ABSOLUTE_MS = 8 * 60 * MINUTE_MS

/** Sessions of one customer; a new one ends the oldest. */
export const MAX_PER_CUSTOMER = 10

/** What a session holds; sealed in the store, open only while a request is served. */
export interface Session {
  token: Secret
  identity: Identity
  scopes: readonly Scope[]
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface Sessions {
  /**
   * Begins a session.
   * @returns what goes into the cookie, which is kept nowhere else
   * @throws Problem invalid-token when the token has ended already; StoreUnavailable
   */
  begin(grant: Grant): Promise<{ cookie: Secret; session: Session }>
  /** The session of a cookie; undefined when it has ended or never was. @throws StoreUnavailable */
  open(cookie: Secret): Promise<Session | undefined>
  /** Ends the session of a cookie. @returns what it held, for the logout upstream. @throws StoreUnavailable */
  end(cookie: Secret): Promise<Session | undefined>
  /** Ends every session of a customer. @returns how many. @throws StoreUnavailable */
  endAll(customerId: number): Promise<number>
}

/** What the sealed record says. */
interface Held {
  token: string
  identity: Identity
  scopes: Scope[]
  expiresAt: number
}

/** 128 bits that find the record and 256 bits that open it. */
const COOKIE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

const parts = (cookie: Secret) => {
  const [, id, secret] = COOKIE.exec(cookie.reveal()) ?? []
  return id === undefined || secret === undefined ? undefined : { record: recordOf(id), secret }
}

/** The id itself is not in the store: whoever reads the store cannot make a cookie. */
const recordOf = (id: string) => `session:${createHash('sha256').update(id).digest('base64url')}`

const customerKey = (customerId: number) => `sessions-of:${customerId}`

/** Session id <-> sealed upstream token. */
export const createSessions = (store: Store, sealer: Sealer, now: Clock = latestNow): Sessions => {
  const opened = (sealed: string | undefined, record: string, secret: string): Session | undefined => {
    const text = sealed === undefined ? undefined : sealer.open(sealed, record, secret)
    if (text === undefined) return undefined
    // Only this module writes the record, and the seal proves that it is as it was written.
    const held = JSON.parse(text) as Held
    return { ...held, token: new Secret(held.token) }
  }

  return {
    async begin({ token, identity }) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const expiresAt = Math.min(now() + ABSOLUTE_MS, identity.expiresAt ?? Number.POSITIVE_INFINITY)
      if (expiresAt <= now()) throw new Problem('invalid-token', 'HOSTKEY says that the token has ended already.')
      const scopes = [...scopesOfRole(identity.role)]
      const held: Held = { token: token.reveal(), identity, scopes, expiresAt }
      const record = recordOf(id)
      await store.put(record, sealer.seal(JSON.stringify(held), record, secret), Math.min(IDLE_MS, expiresAt - now()))
      if (identity.customerId !== undefined) {
        const oldest = await store.addMember(customerKey(identity.customerId), record, MAX_PER_CUSTOMER, ABSOLUTE_MS)
        await Promise.all(oldest.map(record => store.remove(record)))
      }
      return { cookie: new Secret(`${id}.${secret}`), session: { token, identity, scopes, expiresAt } }
    },

    async open(cookie) {
      const found = parts(cookie)
      if (!found) return undefined
      // Touching extends a record that is there and never writes one: a request in flight cannot bring back a logout.
      const sealed = await store.touch(found.record, IDLE_MS)
      const session = opened(sealed, found.record, found.secret)
      if (!session) return undefined
      if (session.expiresAt > now()) return session
      // Once it has ended it stays so, should the clock be set back.
      await store.remove(found.record)
      return undefined
    },

    async end(cookie) {
      const found = parts(cookie)
      if (!found) return undefined
      const session = opened(await store.get(found.record), found.record, found.secret)
      // A cookie that does not open the record must not end it either.
      if (!session) return undefined
      await store.remove(found.record)
      if (session.identity.customerId !== undefined) {
        await store.removeMember(customerKey(session.identity.customerId), found.record)
      }
      return session
    },

    async endAll(customerId) {
      const records = await store.removeAllMembers(customerKey(customerId))
      const removed = await Promise.all(records.map(record => store.remove(record)))
      return removed.filter(Boolean).length
    }
  }
}
