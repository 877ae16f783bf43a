import { createHash } from 'node:crypto'
import { type ProblemName, problems } from '../schemas/problems.ts'
import { type Caller, type Errand, unhurried } from './caller.ts'
import type { Entry, EntryState, Intent, RecordedProblem } from './ledger/entry.ts'
import type { Held, Ledger } from './ledger/ledger.ts'
import { Problem } from './problem.ts'
import { StoreDown } from './store/index.ts'
import { leavesItOpen, type Made, madeDespite, type Purchase, send, type Wanted } from './upstream/purchase.ts'
import { accountsOfPlan, lookForAccount } from './upstream/reconcile.ts'

export type { Entry, EntryState }

/** A key of a customer, and what belongs to it. */
export type OrderKey = Omit<Intent, 'wanted'>

/** How a purchase stands. */
export interface Placed {
  entry: Entry
  /** Was this answered from the ledger? */
  isReplayed: boolean
}

export interface OrderingOptions {
  ledger: Ledger
  /** So long after the POST an account that is not there will not come any more (assumed). */
  settleWindowMs: number
  /** Where the routes are mounted, for links. */
  mount: string
}

export interface Ordering {
  /**
   * Makes an account at most once for a key, whatever breaks (RELIABILITY 4.6).
   * @param check what is wanted, after everything that can be refused without sending; not asked for a known key
   * @returns the entry, done or still unknown
   * @throws Problem idempotency-in-progress, idempotency-key-reused, probable-duplicate-order; the recorded failure
   */
  place(how: Purchase, key: OrderKey, check: () => Promise<Wanted>, errand: Errand): Promise<Placed>
}

export const createOrdering = ({ ledger, settleWindowMs, mount }: OrderingOptions): Ordering => {
  /** The account before the POST, recorded before the POST: from here on the entry is reconciled and never sent again. */
  const buy = async (how: Purchase, held: Held, errand: Errand): Promise<Entry> => {
    const { wanted } = held.entry.intent
    let before: string[]
    try {
      before = [...(await accountsOfPlan(how.upstream, wanted.planId, errand))]
    } catch (error) {
      await ledger.abandon(held)
      throw error
    }
    const sent = await recorded(held, { state: 'sent', sentAt: await ledger.now(), before })
    let made: Made
    try {
      made = await send(how, wanted, errand)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { problem } = error
      if (leavesItOpen(error)) return unlessDown(reconcile(how, sent, errand, error))
      if (isPassing(problem)) await ledger.abandon(sent)
      else await settled(sent, { state: 'failed', problem: recordOf(error) })
      throw error
    }
    return unlessDown(settled(sent, { state: 'done', made }))
  }

  /** Looks, and never sends. */
  const reconcile = async (how: Purchase, held: Held, errand: Errand, error?: Problem): Promise<Entry> => {
    // Asked before the look: what appears during it must not be missed.
    const now = await ledger.now()
    const { intent, before = [], sentAt = now, lostAt = now } = held.entry
    const problem = error ?? (held.entry.problem ? revived(held.entry.problem) : answerLost())
    const isMade = problem.options.outcome === 'partial'
    const isRefused = problem.problem === 'payment-required'
    const isOver = now - lostAt >= settleWindowMs && !isMade
    // An older order's account cannot be new: HOSTKEY has given its name away again.
    const isOthers = async (s3uid: string) => {
      const maker = await ledger.makerOf(intent.tenant, s3uid)
      return maker !== undefined && maker.takenAt >= sentAt
    }
    // Who asks again has waited already.
    const settleMs = error ? how.settleMs : [0]
    const search = { wanted: intent.wanted, before: new Set(before), isMade, isOthers, settleMs }
    const finding = await lookForAccount(how.upstream, search, unhurried(errand))
    if (finding.kind === 'made') return settled(held, { state: 'done', made: madeDespite(finding, problem) })
    if (finding.kind === 'none' && (isRefused || isOver)) {
      const refusal = isRefused ? recordOf(problem) : notMade()
      await settled(held, { state: 'failed', problem: refusal })
      throw revived(refusal)
    }
    return settled(held, { state: 'unknown', lostAt, problem: recordOf(problem) })
  }

  const recorded = async (held: Held, change: Partial<Entry>): Promise<Held> => {
    const next = await ledger.record(held, change)
    if (next) return next
    // Somebody took the entry for abandoned; it is theirs now, and they will only look.
    throw new Problem('idempotency-in-progress', 'Another replica has taken this order on.', { retryAfterSeconds: 2 })
  }
  const settled = async (held: Held, change: Partial<Entry>): Promise<Entry> => (await recorded(held, change)).entry

  return {
    async place(how, key, check, errand) {
      const known = await ledger.peek(key)
      const claim = await ledger.claim({ ...key, wanted: known?.intent.wanted ?? (await check()) })
      switch (claim.kind) {
        case 'new':
          return { entry: await buy(how, claim.held, errand), isReplayed: false }
        case 'takeover': {
          const { state } = claim.held.entry
          const entry =
            state === 'claimed' ? buy(how, claim.held, errand) : unlessDown(reconcile(how, claim.held, errand))
          return { entry: await entry, isReplayed: false }
        }
        case 'settled':
          if (claim.entry.problem && claim.entry.state === 'failed') throw revived(claim.entry.problem, true)
          return { entry: claim.entry, isReplayed: true }
        case 'running':
          throw new Problem('idempotency-in-progress', 'The same request is still running.', { retryAfterSeconds: 2 })
        case 'reused':
          throw new Problem('idempotency-key-reused', 'The key belongs to another request.')
        case 'duplicate':
          throw new Problem('probable-duplicate-order', 'Another key has ordered this bucket name already.', {
            links: { order: `${mount}/orders/${claim.orderId}` }
          })
      }
    }
  }
}

/** Nothing was sent, or HOSTKEY did not look at it: the same key may try again. */
export const isPassing = (name: ProblemName): boolean =>
  problems[name].repeat === 'safe' || problems[name].status === 401

/** After the POST a store that is away leaves the outcome open: the entry says `sent`, and a repetition will look. */
const unlessDown = async (work: Promise<Entry>): Promise<Entry> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreDown)) throw error
    throw new Problem(
      'store-unavailable',
      'What became of the order could not be recorded: send the same request with the same key.',
      {
        outcome: 'unknown',
        retryAfterSeconds: 2,
        cause: error
      }
    )
  }
}

/** A failure as the ledger keeps it. */
const recordOf = (problem: Problem): RecordedProblem => ({
  name: problem.problem,
  detail: problem.message,
  outcome: problem.options.outcome ?? 'not-applied',
  ...(problem.options.upstream && { upstream: problem.options.upstream })
})

/** The recorded failure, for whoever sends the key again. */
const revived = ({ name, detail, outcome, upstream }: RecordedProblem, isReplayed = false): Problem =>
  new Problem(name, detail, {
    outcome,
    isRecorded: true,
    ...(upstream && { upstream }),
    ...(isReplayed && { headers: { 'idempotency-replayed': 'true' } })
  })

const answerLost = () => new Problem('upstream-timeout', 'HOSTKEY’s answer was lost.', { outcome: 'unknown' })

const notMade = (): RecordedProblem => ({
  name: 'upstream-bad-response',
  detail: 'HOSTKEY’s answer was lost, and no account was made: order again with a new key.',
  outcome: 'not-applied'
})

/**
 * Under which a purchase is claimed.
 * @param key the caller's Idempotency-Key, with or without the quotes of the draft
 * @param body what a repetition under the same key must repeat
 */
export const orderKeyOf = async (
  action: Intent['action'],
  key: string,
  body: object,
  { caller }: Errand
): Promise<OrderKey> => ({
  tenant: await tenantOf(caller),
  action,
  keyHash: createHash('sha256').update(key.replace(/^"|"$/g, '')).digest('base64url'),
  fingerprint: createHash('sha256')
    .update(JSON.stringify(body, Object.keys(body).sort()))
    .digest('base64url')
})

/** The customer; the caller itself where HOSTKEY names none. */
export const tenantOf = async (caller: Caller): Promise<string> =>
  String((await caller.identity()).customerId ?? caller.id)
