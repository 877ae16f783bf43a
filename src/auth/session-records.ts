import { hash, randomBytes } from 'node:crypto'
import { type Scope, scopesOfRole } from '../../schemas/scopes.ts'
import type { Identity } from '../core/caller.ts'
import { type Clock, latestNow } from '../core/clock.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import type { Store } from '../store/index.ts'
import type { Grant } from '../upstream/auth.ts'
import type { Sealer } from './seal.ts'

const MINUTE_MS = 60_000

/** A session ends after 15 minutes without a request, after 8 hours in any case, and never later than its token. */
export const IDLE_MS = 15 * MINUTE_MS
export const ABSOLUTE_MS = 8 * 60 * MINUTE_MS

/** Sessions of one customer; a new one ends the oldest. */
export const MAX_PER_CUSTOMER = 10

/** How long an open session stays in memory. Each request still needs its record in the store: a logout counts at once. */
const OPEN_MS = 5_000
/** Beyond this number the oldest is forgotten. */
const MAX_OPEN = 1_000

/** An open session: in memory for seconds, and sealed in the store. */
export interface Session {
  token: Secret
  identity: Identity
  scopes: readonly Scope[]
  /** Milliseconds since 1970. */
  expiresAt: number
}

/** Session cookie <-> sealed upstream token. Every method throws StoreUnavailable when the store does not answer. */
export interface SessionRecords {
  /**
   * Creates the record of a new session.
   * @returns the value of the cookie, which the gateway does not keep
   * @throws Problem invalid-token when the token has expired already
   */
  create(grant: Grant): Promise<{ cookie: Secret; session: Session }>
  /** Opens the session of a cookie and restarts its idle time; undefined when it has ended or never existed. */
  open(cookie: Secret): Promise<Session | undefined>
  /** Removes the session of a cookie. @returns what it held, so that its token can be revoked */
  remove(cookie: Secret): Promise<Session | undefined>
  /** Removes every session of a customer. @returns how many there were */
  removeAll(customerId: number): Promise<number>
}

/** The JSON text that is sealed. */
interface SessionRecord {
  token: string
  identity: Identity
  scopes: Scope[]
  expiresAt: number
}

/** 128 bits that find the record, and 256 bits that open it. */
const COOKIE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

const parseCookie = (cookie: Secret) => {
  const [, id, secret] = COOKIE.exec(cookie.reveal()) ?? []
  return id === undefined || secret === undefined ? undefined : { key: keyOf(id), secret }
}

/** The store holds a hash of the id: a stolen store gives no valid cookie. */
const keyOf = (id: string) => `session:${hash('sha256', id, 'base64url')}`

const customerKeyOf = (customerId: number) => `sessions-of:${customerId}`

/** Called when a session of a customer ends by itself. */
export type ReportEnd = (reason: 'expired' | 'evicted', customerId: number | undefined) => void

export const createSessionRecords = (
  store: Store,
  sealer: Sealer,
  now: Clock = latestNow,
  reportEnd: ReportEnd = () => undefined
): SessionRecords => {
  // By a hash of all that opens a session: opening takes 50 µs, and a page sends many requests.
  const openSessions = new Map<string, Session>()

  const unseal = (sealed: string | undefined, key: string, secret: string): Session | undefined => {
    if (sealed === undefined) return undefined
    const id = hash('sha256', `${key} ${secret} ${sealed}`)
    const known = openSessions.get(id)
    if (known) return known
    const text = sealer.open(sealed, key, secret)
    if (text === undefined) return undefined
    // Only this module writes the record, and the seal proves that it is unchanged.
    const record = JSON.parse(text) as SessionRecord
    const session = { ...record, token: new Secret(record.token) }
    openSessions.set(id, session)
    setTimeout(() => openSessions.delete(id), OPEN_MS).unref()
    for (const oldest of openSessions.keys()) {
      if (openSessions.size <= MAX_OPEN) break
      openSessions.delete(oldest)
    }
    return session
  }

  return {
    async create({ token, identity }) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const expiresAt = Math.min(now() + ABSOLUTE_MS, identity.expiresAt ?? Number.POSITIVE_INFINITY)
      if (expiresAt <= now()) throw new Problem('invalid-token', 'HOSTKEY reports that the token has already expired.')
      const scopes = [...scopesOfRole(identity.role)]
      const record: SessionRecord = { token: token.reveal(), identity, scopes, expiresAt }
      const key = keyOf(id)
      await store.put(key, sealer.seal(JSON.stringify(record), key, secret), Math.min(IDLE_MS, expiresAt - now()))
      if (identity.customerId !== undefined) {
        const evicted = await store.addMember(customerKeyOf(identity.customerId), key, MAX_PER_CUSTOMER, ABSOLUTE_MS)
        const removed = await Promise.all(evicted.map(oldKey => store.remove(oldKey)))
        // The others had ended before.
        for (const _ of removed.filter(Boolean)) reportEnd('evicted', identity.customerId)
      }
      return { cookie: new Secret(`${id}.${secret}`), session: { token, identity, scopes, expiresAt } }
    },

    async open(cookie) {
      const parsed = parseCookie(cookie)
      if (!parsed) return undefined
      // Touching never creates a record: a request in flight cannot bring back a session that has logged out.
      const sealed = await store.touch(parsed.key, IDLE_MS)
      const session = unseal(sealed, parsed.key, parsed.secret)
      if (!session) return undefined
      if (session.expiresAt > now()) return session
      // Removed, so that the session stays ended if the clock is set back.
      if (await store.remove(parsed.key)) reportEnd('expired', session.identity.customerId)
      return undefined
    },

    async remove(cookie) {
      const parsed = parseCookie(cookie)
      if (!parsed) return undefined
      const session = unseal(await store.get(parsed.key), parsed.key, parsed.secret)
      // A cookie that cannot open the record must not remove it either.
      if (!session) return undefined
      await store.remove(parsed.key)
      if (session.identity.customerId !== undefined) {
        await store.removeMember(customerKeyOf(session.identity.customerId), parsed.key)
      }
      return session
    },

    async removeAll(customerId) {
      const keys = await store.removeAllMembers(customerKeyOf(customerId))
      const removed = await Promise.all(keys.map(key => store.remove(key)))
      return removed.filter(Boolean).length
    }
  }
}
