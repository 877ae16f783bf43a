import { randomUUID } from 'node:crypto'
import { type DurableStore, NewerRecord, readRecord } from '../../../store/index.ts'
import { type Entry, type Intent, isTerminal } from './entry.ts'
import { createLeases, type Lease } from './lease.ts'
import { createRestorations, type Restorations } from './restoration.ts'

const HOUR_MS = 3_600_000

/** 24 h: how long a key gives the same answer. */
export const KEY_MS = 24 * HOUR_MS
/** 30 days: how long an order can be read. */
export const ORDER_MS = 30 * 24 * HOUR_MS

/** An entry with its version: a change based on an older version is refused. */
export interface VersionedEntry {
  entry: Entry
  /** The stored text, which the next change must find unchanged. */
  version: string
}

export type Claim =
  /** The key is ours; nothing was sent yet. */
  | { kind: 'new'; claimed: VersionedEntry; lease: Lease }
  /** The entry is ours now: its replica is gone, or its outcome is open. */
  | { kind: 'takeover'; claimed: VersionedEntry; lease: Lease }
  | { kind: 'terminal'; entry: Entry }
  /** Another request works on it. @property leftMs what is left of its lease */
  | { kind: 'running'; orderId: string; leftMs: number }
  /** The key was used for another request. */
  | { kind: 'reused' }
  /** Another key has ordered the same: same customer, action and bucket name. */
  | { kind: 'duplicate'; orderId: string }

/** The durable record of everything that may bill. Every method rejects with StoreUnavailable. */
export interface Ledger {
  /** The clock of all entries, shared by the replicas. */
  now: DurableStore['now']
  /** Reads the entry of a key. */
  peek(key: KeyParts): Promise<Entry | undefined>
  /** Notes that a request with the key has begun: its gateway may end before it claims the key. */
  noteAttempt(key: KeyParts): Promise<void>
  /** Has the key an entry, or has a request with it begun within the last minute? */
  isKnown(key: KeyParts): Promise<boolean>
  /** Is there an order for the bucket name that refuses another one? */
  isOrdered(request: Pick<Intent, 'tenant' | 'action'> & { bucketName: string }): Promise<boolean>
  /** Claims the key and the requested bucket name; an order may be sent only with both. */
  claim(intent: Intent): Promise<Claim>
  /** Records a change. @returns undefined when another replica has changed the entry, which then belongs to it */
  record(current: VersionedEntry, change: Partial<Entry>): Promise<VersionedEntry | undefined>
  /** What is left of the lease of an order, milliseconds. */
  leaseLeftMs(orderId: string): Promise<number>
  /** Removes a claim for which nothing was sent. */
  abandon(claimed: VersionedEntry): Promise<void>
  /** Allows the same request again, because the created account is deleted. */
  forget(tenant: string, s3uid: string): Promise<void>
  /** Stores a terminal entry from elsewhere, for reading only. */
  keep(entry: Entry): Promise<void>
  find(tenant: string, orderId: string): Promise<Entry | undefined>
  /** Every order of every customer, as it is stored: a change of a listed order is based on it. */
  list(): Promise<VersionedEntry[]>
  /** Was the ledger restored from a backup? Then orders may be missing in it. */
  restorations: Restorations
  /** Of the orders whose outcome is open. @property oldestAt when the oldest was created */
  statistics(): Promise<{ states: Record<'sent' | 'unknown', number>; oldestAt: number | undefined }>
  /** The accounts that a service has ordered, or created. */
  listOrderedBy(service: string): Promise<string[]>
  addOrderedBy(service: string, s3uid: string): Promise<void>
  /** The entry of the order that created an account. */
  findByAccount(tenant: string, s3uid: string): Promise<Entry | undefined>
}

export interface LedgerOptions {
  store: DurableStore
  /** An entry whose replica has not renewed its lease for this time, by the store's clock, may be taken over. */
  leaseMs: number
}

type KeyParts = Pick<Intent, 'tenant' | 'action' | 'keyHash' | 'service'>

const keyOf = ({ tenant, action, keyHash, service }: KeyParts) =>
  `order-key:${tenant}:${action}:${service === undefined ? '' : `${service}:`}${keyHash}`
const attemptOf = (key: KeyParts) => `order-attempt:${keyOf(key)}`
const requestNamed = (tenant: string, action: string, bucketName: string) =>
  `order-request:${tenant}:${action}:${bucketName}`
const requestOf = ({ tenant, action, requested }: Intent) => requestNamed(tenant, action, requested.bucketName)
const accountOf = (tenant: string, s3uid: string) => `order-account:${tenant}:${s3uid}`
const orderOf = (tenant: string, orderId: string) => `order:${tenant}:${orderId}`
/** The keys of the orders whose outcome is open. */
const OPEN_ORDERS = 'open-orders'
const orderedOf = (service: string) => `ordered-by:${service}`

/** 60 s: a caller that has lost its gateway repeats its request sooner. */
const ATTEMPT_MS = 60_000

/** 10 years: a service may use the accounts that it has ordered as long as they exist. */
const ORDERED_MS = 10 * 365 * 24 * HOUR_MS
/** Beyond this number the oldest is forgotten. */
const MAX_ORDERED = 1000

/** Open orders that the statistics know; beyond this number the oldest is forgotten. */
const MAX_OPEN = 1000

export const createLedger = ({ store, leaseMs }: LedgerOptions): Ledger => {
  const leases = createLeases(store, leaseMs)
  const restorations = createRestorations(store, KEY_MS)
  const parse = (text: string): Entry => readRecord(text, 'an order')
  /** Undefined for one of a newer version too, which counts it. */
  const readOpen = (text: string | undefined): Entry | undefined => {
    try {
      return text === undefined ? undefined : parse(text)
    } catch (error) {
      if (!(error instanceof NewerRecord)) throw error
      return undefined
    }
  }
  /** A terminal key answers for a day from its claim; an open one lives as long as its order. */
  const lifetimeOf = (entry: Entry, now: number) =>
    isTerminal(entry) ? Math.max(1, entry.createdAt + KEY_MS - now) : ORDER_MS

  const claimExisting = async (intent: Intent, text: string): Promise<Claim | undefined> => {
    const entry = parse(text)
    if (entry.intent.fingerprint !== intent.fingerprint) return { kind: 'reused' }
    if (isTerminal(entry)) return { kind: 'terminal', entry }
    const { lease, leftMs } = await leases.acquire(entry.orderId)
    if (!lease) return { kind: 'running', orderId: entry.orderId, leftMs }
    const state = entry.state === 'unknown' ? 'sent' : entry.state
    const taken: Entry = { ...entry, leasedAt: await store.now(), state }
    const version = JSON.stringify(taken)
    if (await store.replace(keyOf(intent), text, version, ORDER_MS)) {
      return claimRequest(intent, { kind: 'takeover', claimed: { entry: taken, version }, lease })
    }
    // Its replica has changed the entry meanwhile: it is read again.
    await lease.end()
    return undefined
  }

  const claimNew = async (intent: Intent): Promise<Claim | undefined> => {
    const now = await store.now()
    const entry: Entry = { orderId: randomUUID(), intent, state: 'claimed', createdAt: now, leasedAt: now }
    const version = JSON.stringify(entry)
    // Before the claim: without a lease another request would take the entry over at once.
    const { lease } = await leases.acquire(entry.orderId)
    if (!lease) return undefined
    if (await store.claim(keyOf(intent), version, ORDER_MS)) {
      return claimRequest(intent, { kind: 'new', claimed: { entry, version }, lease })
    }
    await lease.end()
    return undefined
  }

  /**
   * The second guard, by bucket name. With the key alone, 67 of 10,000 orders were doubled (measured): a caller that reads
   * "not applied" may come back with another key. A crash between the two guards has sent nothing.
   */
  const claimRequest = async (intent: Intent, claim: Extract<Claim, { claimed: VersionedEntry }>): Promise<Claim> => {
    const { entry, version } = claim.claimed
    await store.put(orderOf(intent.tenant, entry.orderId), keyOf(intent), ORDER_MS)
    let holder: string | undefined
    do {
      if (await store.claim(requestOf(intent), entry.orderId, KEY_MS)) return claim
      holder = await store.get(requestOf(intent))
    } while (holder === undefined)
    if (holder === entry.orderId) return claim
    // A crash after a recorded failure, or an expired claim, has left the guard behind.
    const other = await find(intent.tenant, holder).catch(async error => {
      if (entry.state === 'claimed') await store.release(keyOf(intent), version)
      await claim.lease.end()
      throw error
    })
    if (other === undefined || other.state === 'failed') {
      await store.release(requestOf(intent), holder)
      return claimRequest(intent, claim)
    }
    if (entry.state === 'claimed') await store.release(keyOf(intent), version)
    await claim.lease.end()
    return { kind: 'duplicate', orderId: holder }
  }

  /** A terminal entry is stored under its order, because its key expires sooner; an open one under its key. */
  const find = async (tenant: string, orderId: string): Promise<Entry | undefined> => {
    return (await readOrder(orderOf(tenant, orderId)))?.entry
  }

  const readOrder = async (key: string): Promise<VersionedEntry | undefined> => {
    const found = await store.get(key)
    // Always two reads: the time does not tell the order of another service from one that does not exist.
    const version = await store.get(found === undefined || found.startsWith('{') ? key : found)
    return version === undefined ? undefined : { entry: parse(version), version }
  }

  const findByAccount = async (tenant: string, s3uid: string): Promise<Entry | undefined> => {
    const orderId = await store.get(accountOf(tenant, s3uid))
    return orderId === undefined ? undefined : find(tenant, orderId)
  }

  const addOrderedBy = async (service: string, s3uid: string): Promise<void> => {
    const key = orderedOf(service)
    for (;;) {
      const text = await store.get(key)
      const known: string[] = text === undefined ? [] : JSON.parse(text)
      if (known.includes(s3uid)) return
      const next = JSON.stringify([...known, s3uid].slice(-MAX_ORDERED))
      const isAdded =
        text === undefined ? await store.claim(key, next, ORDERED_MS) : await store.replace(key, text, next, ORDERED_MS)
      if (isAdded) return
    }
  }

  return {
    now: store.now,
    addOrderedBy,
    listOrderedBy: async service => JSON.parse((await store.get(orderedOf(service))) ?? '[]'),
    async peek(key) {
      const text = await store.get(keyOf(key))
      return text === undefined ? undefined : parse(text)
    },
    noteAttempt: key => store.put(attemptOf(key), 'begun', ATTEMPT_MS),
    async isKnown(key) {
      return ((await store.get(keyOf(key))) ?? (await store.get(attemptOf(key)))) !== undefined
    },
    async isOrdered({ tenant, action, bucketName }) {
      const orderId = await store.get(requestNamed(tenant, action, bucketName))
      const order = orderId === undefined ? undefined : await find(tenant, orderId)
      return order !== undefined && order.state !== 'failed'
    },
    async claim(intent) {
      for (;;) {
        const text = await store.get(keyOf(intent))
        const claim = await (text === undefined ? claimNew(intent) : claimExisting(intent, text))
        if (claim) return claim
      }
    },
    async record({ entry, version }, change) {
      const now = await store.now()
      const changed: Entry = { ...entry, ...change, leasedAt: now }
      const next = JSON.stringify(changed)
      const { intent, orderId } = changed
      // Before the record: a repetition would not add it any more.
      if (changed.created && intent.service !== undefined) await addOrderedBy(intent.service, changed.created.s3uid)
      // Before the record: an order that is open is listed.
      if (!isTerminal(changed) && changed.state !== entry.state) {
        await store.addMember(OPEN_ORDERS, keyOf(intent), MAX_OPEN, ORDER_MS)
      }
      if (!(await store.replace(keyOf(intent), version, next, lifetimeOf(changed, now)))) return undefined
      if (isTerminal(changed)) {
        await store.put(orderOf(intent.tenant, orderId), next, ORDER_MS)
        // The statistics know a terminal entry by its state too.
        await store.removeMember(OPEN_ORDERS, keyOf(intent)).catch(() => undefined)
      }
      if (changed.created) await store.put(accountOf(intent.tenant, changed.created.s3uid), orderId, KEY_MS)
      if (changed.state === 'failed') await store.release(requestOf(intent), orderId)
      return { entry: changed, version: next }
    },
    leaseLeftMs: leases.leftMs,
    async abandon({ entry: { intent, orderId }, version }) {
      await store.release(requestOf(intent), orderId)
      await store.release(keyOf(intent), version)
      await store.remove(orderOf(intent.tenant, orderId))
    },
    async forget(tenant, s3uid) {
      const entry = await findByAccount(tenant, s3uid)
      if (entry) await store.release(requestOf(entry.intent), entry.orderId)
      await store.remove(accountOf(tenant, s3uid))
    },
    keep: entry => store.put(orderOf(entry.intent.tenant, entry.orderId), JSON.stringify(entry), ORDER_MS),
    find,
    async list() {
      const found: VersionedEntry[] = []
      for (const key of await store.keys('order:')) {
        const order = await readOrder(key)
        if (order) found.push(order)
      }
      return found.sort((a, b) => a.entry.createdAt - b.entry.createdAt)
    },
    restorations,
    async statistics() {
      const states = { sent: 0, unknown: 0 }
      let oldestAt: number | undefined
      for (const text of await store.getAll(await store.members(OPEN_ORDERS))) {
        const { state, createdAt } = readOpen(text) ?? {}
        if ((state !== 'sent' && state !== 'unknown') || createdAt === undefined) continue
        states[state] += 1
        oldestAt = Math.min(createdAt, oldestAt ?? createdAt)
      }
      return { states, oldestAt }
    },
    findByAccount
  }
}
