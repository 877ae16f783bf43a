import { hash, randomBytes } from 'node:crypto'
import type { Scope } from '../../schemas/scopes.ts'
import type { Identity, Origin } from '../core/caller.ts'
import { type Clock, latestNow } from '../core/clock.ts'
import { Secret } from '../core/secret.ts'
import { readRecord } from '../store/record-format.ts'
import type { Count, Store } from '../store/store.ts'
import { createAbouts, idOf, LIVE_TOKENS } from './abouts.ts'
import { createOpener } from './opener.ts'
import type { Sealer } from './seal.ts'
import type { SessionLimits } from './session-records.ts'

const HOUR_MS = 3_600_000

/** How exact the last use of a token is. */
export const USE_PERIOD_MS = HOUR_MS

/** The longest life of a token. */
export const MAX_LIFE_MS = 24 * HOUR_MS

/** Live tokens of one customer. Beyond it none is made: to end the oldest would break what uses it. */
export const MAX_PER_CUSTOMER = 200

/** What a token may do. Every member that is there is a limit. */
export interface Caveats {
  scopes: readonly Scope[]
  accounts?: readonly string[] | undefined
  /** `s3uid/bucket`. */
  buckets?: readonly string[] | undefined
  pathPrefix?: string | undefined
}

/** What a list tells of a token; times in milliseconds since 1970. */
export interface TokenEntry extends Caveats {
  name: string
  createdAt: number
  expiresAt: number
  /** To the hour, counted from `createdAt`. */
  lastUsedAt?: number
  /** How its maker authenticated. */
  madeBy: 'session' | 'bearer' | 'service' | 'token'
  origin: Origin
}

export interface ListedToken extends TokenEntry {
  tokenId: string
  key: string
}

/** Where the token of HOSTKEY comes from: the record holds it, or a service logs in. */
export type TokenSource = { token: Secret; identity: Identity } | { service: { id: string; secretHash: string } }

/** A derived token: in memory for seconds, and sealed in the store. */
export interface DerivedToken extends Caveats {
  key: string
  tokenId: string
  /** Whose limits it counts against. */
  owner: string
  /** Keys of the records without which it is not valid. */
  needs: readonly string[]
  expiresAt: number
  source: TokenSource
}

export interface NewDerivedToken {
  /** Under whose name it is listed. */
  tenant: string
  owner: string
  entry: TokenEntry
  source: TokenSource
}

/** Derived token <-> its record. Every method throws StoreUnavailable when the store does not answer. */
export interface TokenRecords {
  /** @returns the token, which the gateway does not keep; undefined when the customer has too many */
  create(requested: NewDerivedToken): Promise<{ token: Secret; tokenId: string } | undefined>
  /** Counts a request as `SessionRecords.open`, and opens the record of its token. */
  open(token: Secret, limits: SessionLimits): Promise<{ derived: DerivedToken | undefined; counts: Count[] }>
  /** The live tokens of a tenant, the newest first. */
  list(tenant: string): Promise<ListedToken[]>
  /** Does each of these records exist? */
  exist(keys: readonly string[]): Promise<boolean>
  /** Ends a token, and at the same moment all that were made from it. */
  remove(key: string, tenant?: string): Promise<void>
}

/** `hkt_`, 128 bits that name the record, and 256 bits that open it. */
const TOKEN = /^hkt_[A-Za-z0-9_-]{22}_([A-Za-z0-9_-]{43})$/

/** Is a derived token meant, also in quotes, in capitals or damaged? It must not reach HOSTKEY. */
export const isDerivedToken = (text: string): boolean => /hkt(_|%5f)/i.test(text)

/** Can the gateway have made it? */
export const isWellFormed = (token: Secret): boolean => TOKEN.test(token.reveal())

/** As for a session: a stolen store gives no valid token, and only a valid one finds the record. */
const keyOf = (token: string) => `token:${hash('sha256', token, 'base64url')}`

const setOf = (tenant: string) => `tokens-of:${tenant}`

/** The JSON text that is sealed. */
interface TokenRecord extends Omit<DerivedToken, 'key' | 'tokenId' | 'source'> {
  source: { token: string; identity: Identity } | { service: { id: string; secretHash: string } }
}

const aboutsOf = (store: Store, sealer: Sealer, now: Clock) =>
  createAbouts<TokenEntry>(store, sealer, { group: LIVE_TOKENS, periodMs: USE_PERIOD_MS, now })

/** Lists a token that nobody has. */
export const keepDemoToken = async (
  store: Store,
  sealer: Sealer,
  customerId: number,
  entry: Omit<TokenEntry, 'createdAt' | 'expiresAt' | 'origin'>
): Promise<void> => {
  const key = 'token:demo'
  const createdAt = latestNow()
  const listed = { ...entry, createdAt, expiresAt: createdAt + MAX_LIFE_MS, origin: { needs: [] } }
  await aboutsOf(store, sealer, latestNow).put(key, listed, MAX_LIFE_MS)
  await store.put(key, 'demo', MAX_LIFE_MS)
  await store.addMember(setOf(`customer:${customerId}`), key, MAX_PER_CUSTOMER, MAX_LIFE_MS)
}

export const createTokenRecords = (store: Store, sealer: Sealer, now: Clock = latestNow): TokenRecords => {
  const abouts = aboutsOf(store, sealer, now)

  const openEntry = createOpener(sealer, 2, text => {
    const record = readRecord<TokenRecord>(text, 'a derived token')
    const { source } = record
    const opened = 'token' in source ? { ...source, token: new Secret(source.token) } : source
    return { head: `${record.owner} ${record.needs.join(',')}`, value: { ...record, source: opened } }
  })

  const list = async (tenant: string): Promise<ListedToken[]> => {
    const found = await abouts.list(await store.members(setOf(tenant)))
    const needs = [...new Set(found.flatMap(({ about }) => about.origin.needs))]
    const values = await store.getAll(needs)
    const gone = new Set(needs.filter((_, index) => values[index] === undefined))
    return found
      .filter(({ about }) => about.expiresAt > now() && !about.origin.needs.some(key => gone.has(key)))
      .map(({ key, about }) => ({ ...about, key, tokenId: idOf(key) }))
      .reverse()
  }

  return {
    list,
    async create({ tenant, owner, entry, source }) {
      const [members, live] = await Promise.all([store.members(setOf(tenant)), list(tenant)])
      if (live.length >= MAX_PER_CUSTOMER) return undefined
      const kept = new Set(live.map(({ key }) => key))
      await Promise.all(members.filter(key => !kept.has(key)).map(key => store.removeMember(setOf(tenant), key)))
      const secret = randomBytes(32).toString('base64url')
      const token = `hkt_${randomBytes(16).toString('base64url')}_${secret}`
      const key = keyOf(token)
      const { scopes, accounts, buckets, pathPrefix, expiresAt, origin } = entry
      const record: TokenRecord = {
        owner,
        needs: origin.needs,
        scopes,
        accounts,
        buckets,
        pathPrefix,
        expiresAt,
        source: 'token' in source ? { ...source, token: source.token.reveal() } : source
      }
      const lifeMs = expiresAt - now()
      const sealed = sealer.seal(JSON.stringify(record), key, secret)
      // Listed before it can be used: none is valid that nobody can find and end.
      await abouts.put(key, entry, lifeMs)
      const evicted = await store.addMember(setOf(tenant), key, MAX_PER_CUSTOMER, MAX_LIFE_MS)
      await Promise.all(evicted.map(each => store.remove(each)))
      await store.put(key, `${owner} ${origin.needs.join(',')} ${sealed}`, lifeMs)
      return { token: new Secret(token), tokenId: idOf(key) }
    },

    async open(token, { ofAddress, ofCaller }) {
      const text = token.reveal()
      const secret = TOKEN.exec(text)?.[1] ?? ''
      const key = keyOf(text)
      const { counts, record } = await store.admit(ofAddress, { key, ttlMs: undefined, limits: ofCaller })
      const opened = openEntry(record, key, secret)
      if (!opened || opened.expiresAt <= now()) return { derived: undefined, counts }
      abouts.markUsed(key, opened.expiresAt - now())
      return { derived: { ...opened, key, tokenId: idOf(key) }, counts }
    },

    async exist(keys) {
      return !(await store.getAll(keys)).includes(undefined)
    },

    async remove(key, tenant) {
      await store.remove(key)
      await Promise.all([abouts.remove(key), tenant === undefined ? undefined : store.removeMember(setOf(tenant), key)])
    }
  }
}
