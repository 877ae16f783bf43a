import { hash, randomBytes } from 'node:crypto'
import { type Scope, scopesOfRole } from '../../schemas/scopes.ts'
import type { Identity } from '../core/caller.ts'
import { type Clock, latestNow } from '../core/clock.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { readRecord } from '../store/record-format.ts'
import type { Count, Limit, Store } from '../store/store.ts'
import type { Grant } from '../upstream/auth.ts'
import { createAbouts, idOf, LIVE_SESSIONS } from './abouts.ts'
import { createOpener } from './opener.ts'
import type { Sealer } from './seal.ts'

const MINUTE_MS = 60_000

/** A session ends after 15 minutes without a request, after 8 hours in any case, and never later than its token. */
export const IDLE_MS = 15 * MINUTE_MS
export const ABSOLUTE_MS = 8 * 60 * MINUTE_MS

/** Sessions of one customer; a new one ends the oldest. */
export const MAX_PER_CUSTOMER = 10

/** How exact the last use of a session is. */
export const USE_PERIOD_MS = 5 * MINUTE_MS

/** An open session: in memory for seconds, and sealed in the store. */
export interface Session {
  /** Its name in the store. */
  key: string
  token: Secret
  identity: Identity
  scopes: readonly Scope[]
  /** Milliseconds since 1970. */
  expiresAt: number
}

export interface SessionLimits {
  ofAddress: readonly Limit[]
  ofCaller: readonly Limit[]
}

export interface OpenedSession {
  /** Undefined when it has ended or never existed, or a limit of the address is exceeded. */
  session: Session | undefined
  /** Of the limits, up to the first that was exceeded. */
  counts: Count[]
}

/** Where a login came from. */
export interface LoginOrigin {
  network?: string | undefined
  userAgent?: string | undefined
}

/** What the list of sessions tells of one; times in milliseconds since 1970. */
export interface ListedSession extends LoginOrigin {
  sessionId: string
  createdAt: number
  /** To five minutes. */
  lastUsedAt: number
}

/** Who has the limits of a session: its customer, or its token where HOSTKEY names none. */
export const ownerOfSession = ({ token, identity }: Pick<Session, 'token' | 'identity'>): string =>
  identity.customerId === undefined ? `session:${token.fingerprint()}` : `customer:${identity.customerId}`

/** Session cookie <-> sealed upstream token. Every method throws StoreUnavailable when the store does not answer. */
export interface SessionRecords {
  /**
   * Creates the record of a new session.
   * @returns the value of the cookie, which the gateway does not keep
   * @throws Problem invalid-token when the token has expired already
   */
  create(grant: Grant, origin?: LoginOrigin): Promise<{ cookie: Secret; session: Session }>
  /**
   * Counts a request against the limits of its address; then opens the session of its cookie, restarts its idle time, and
   * counts against those of its caller, whose name completes their keys.
   */
  open(cookie: Secret, limits?: SessionLimits): Promise<OpenedSession>
  /** Removes the session of a cookie. @returns what it held, so that its token can be revoked */
  remove(cookie: Secret): Promise<Session | undefined>
  /** Removes every session of a customer. @returns how many there were */
  removeAll(customerId: number): Promise<number>
  /** The live sessions of a customer, the newest first. */
  list(customerId: number): Promise<ListedSession[]>
  /** Removes one session of a customer. @returns false when there is none */
  removeOne(customerId: number, sessionId: string): Promise<boolean>
}

/** The JSON text that is sealed. */
interface SessionRecord {
  token: string
  identity: Identity
  scopes: Scope[]
  expiresAt: number
}

/** 128 bits that name the record, and 256 bits that open it. */
const COOKIE = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/

const parseCookie = (cookie: Secret) => {
  const text = cookie.reveal()
  const [, , secret] = COOKIE.exec(text) ?? []
  return secret === undefined ? undefined : { key: keyOf(text), secret }
}

/**
 * The store holds a hash of the cookie: a stolen store gives no valid cookie, and only a valid one finds the record and
 * counts against the limits of its owner.
 */
const keyOf = (cookie: string) => `session:${hash('sha256', cookie, 'base64url')}`

const customerKeyOf = (customerId: number) => `sessions-of:${customerId}`

/** Called when a session of a customer ends by itself. */
export type ReportEnd = (reason: 'expired' | 'evicted', customerId: number | undefined) => void

const NO_LIMITS: SessionLimits = { ofAddress: [], ofCaller: [] }

const aboutsOf = (store: Store, sealer: Sealer, now: Clock) =>
  createAbouts<Omit<ListedSession, 'sessionId'>>(store, sealer, {
    group: LIVE_SESSIONS,
    periodMs: USE_PERIOD_MS,
    idleMs: IDLE_MS,
    now
  })

/** Lists a session that nobody has. */
export const keepDemoSession = async (
  store: Store,
  sealer: Sealer,
  customerId: number,
  about: Omit<ListedSession, 'sessionId'>
): Promise<void> => {
  const key = 'session:demo'
  await aboutsOf(store, sealer, latestNow).put(key, about, ABSOLUTE_MS)
  await store.put(key, 'demo', ABSOLUTE_MS)
  await store.addMember(customerKeyOf(customerId), key, MAX_PER_CUSTOMER, ABSOLUTE_MS)
}

export const createSessionRecords = (
  store: Store,
  sealer: Sealer,
  now: Clock = latestNow,
  reportEnd: ReportEnd = () => undefined
): SessionRecords => {
  const abouts = aboutsOf(store, sealer, now)

  const openEntry = createOpener(sealer, 1, text => {
    const { token, ...rest } = readRecord<SessionRecord>(text, 'a session')
    const opened = { ...rest, token: new Secret(token) }
    return { head: ownerOfSession(opened), value: opened }
  })
  const unseal = (entry: string | undefined, key: string, secret: string): Session | undefined => {
    const opened = openEntry(entry, key, secret)
    return opened && { ...opened, key }
  }
  const forget = async (key: string): Promise<boolean> => {
    const [isRemoved] = await Promise.all([store.remove(key), abouts.remove(key)])
    return isRemoved
  }

  return {
    async create({ token, identity }, { network, userAgent } = {}) {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(32).toString('base64url')
      const expiresAt = Math.min(now() + ABSOLUTE_MS, identity.expiresAt ?? Number.POSITIVE_INFINITY)
      if (expiresAt <= now()) throw new Problem('invalid-token', 'HOSTKEY reports that the token has already expired.')
      const scopes = [...scopesOfRole(identity.role)]
      const record: SessionRecord = { token: token.reveal(), identity, scopes, expiresAt }
      const cookie = `${id}.${secret}`
      const key = keyOf(cookie)
      const entry = `${ownerOfSession({ token, identity })} ${sealer.seal(JSON.stringify(record), key, secret)}`
      await store.put(key, entry, Math.min(IDLE_MS, expiresAt - now()))
      const at = now()
      if (identity.customerId !== undefined) {
        await abouts.put(key, { createdAt: at, lastUsedAt: at, network, userAgent }, ABSOLUTE_MS)
        const evicted = await store.addMember(customerKeyOf(identity.customerId), key, MAX_PER_CUSTOMER, ABSOLUTE_MS)
        const removed = await Promise.all(evicted.map(forget))
        // The others had ended before.
        for (const _ of removed.filter(Boolean)) reportEnd('evicted', identity.customerId)
      }
      return { cookie: new Secret(cookie), session: { key, token, identity, scopes, expiresAt } }
    },

    async open(cookie, { ofAddress, ofCaller } = NO_LIMITS) {
      const parsed = parseCookie(cookie)
      if (!parsed) return { session: undefined, counts: [] }
      const { key, secret } = parsed
      // Touching never creates a record: a request in flight cannot bring back a session that has logged out.
      const { counts, record } = await store.admit(ofAddress, { key, ttlMs: IDLE_MS, limits: ofCaller })
      const session = unseal(record, key, secret)
      if (session && session.expiresAt > now()) {
        if (session.identity.customerId !== undefined) abouts.markUsed(key, session.expiresAt - now())
        return { session, counts }
      }
      if (!session) return { session, counts }
      // Removed, so that the session stays ended if the clock is set back.
      if (await forget(key)) reportEnd('expired', session.identity.customerId)
      return { session: undefined, counts }
    },

    async remove(cookie) {
      const parsed = parseCookie(cookie)
      if (!parsed) return undefined
      const session = unseal(await store.get(parsed.key), parsed.key, parsed.secret)
      // A cookie that cannot open the record must not remove it either.
      if (!session) return undefined
      await forget(parsed.key)
      if (session.identity.customerId !== undefined) {
        await store.removeMember(customerKeyOf(session.identity.customerId), parsed.key)
      }
      return session
    },

    async removeAll(customerId) {
      const keys = await store.removeAllMembers(customerKeyOf(customerId))
      const removed = await Promise.all(keys.map(forget))
      return removed.filter(Boolean).length
    },

    async list(customerId) {
      const found = await abouts.list(await store.members(customerKeyOf(customerId)))
      return found.map(({ key, about }) => ({ sessionId: idOf(key), ...about })).reverse()
    },

    async removeOne(customerId, sessionId) {
      const key = (await store.members(customerKeyOf(customerId))).find(each => idOf(each) === sessionId)
      if (key === undefined) return false
      const [isRemoved] = await Promise.all([forget(key), store.removeMember(customerKeyOf(customerId), key)])
      return isRemoved
    }
  }
}
