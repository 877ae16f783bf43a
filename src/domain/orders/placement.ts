import { type ProblemName, problems } from '../../../schemas/problems.ts'
import { type RequestContext, verifying } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import { StoreUnavailable } from '../../store/index.ts'
import type { Entry, EntryState } from './ledger/entry.ts'
import type { Held, Ledger } from './ledger/ledger.ts'
import { answerLost, notMade, recordOf, revived } from './ledger/recorded-problem.ts'
import type { OrderKey } from './order-key.ts'
import { leavesItOpen, madeDespite, type Purchase, send, type Wanted, withBucket } from './provisioning.ts'
import { accountsOfPlan, lookForAccount } from './reconciliation.ts'

export type { Entry, EntryState }

/** How a purchase stands. */
export interface Placed {
  entry: Entry
  /** Was this answered from the ledger? */
  isReplayed: boolean
}

export interface OrderingOptions {
  ledger: Ledger
  /** So long after the POST an account that is not there will not come any more (assumed). */
  lateExecutionWindowMs: number
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
  place(how: Purchase, key: OrderKey, check: () => Promise<Wanted>, context: RequestContext): Promise<Placed>
}

export const createOrdering = ({ ledger, lateExecutionWindowMs, mount }: OrderingOptions): Ordering => {
  /** The account before the POST, recorded before the POST: from here on the entry is reconciled and never sent again. */
  const buy = async (how: Purchase, held: Held, context: RequestContext): Promise<Entry> => {
    const { wanted } = held.entry.intent
    let before: string[]
    try {
      before = [...(await accountsOfPlan(how.upstream, wanted.planId, context))]
    } catch (error) {
      await ledger.abandon(held)
      throw error
    }
    const sent = await recorded(held, { state: 'sent', sentAt: await ledger.now(), before })
    let s3uid: string
    try {
      s3uid = await send(how, wanted, context)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { problem } = error
      if (leavesItOpen(error)) return unlessDown(lost(how, sent, context, error))
      if (isPassing(problem)) await ledger.abandon(sent)
      else await settled(sent, { state: 'failed', problem: recordOf(error) })
      throw error
    }
    return unlessDown(named(how, sent, s3uid, context))
  }

  /** What HOSTKEY has said is recorded before anybody looks: whoever takes the entry over then knows it too. */
  const lost = async (how: Purchase, sent: Held, context: RequestContext, error: Problem): Promise<Entry> => {
    const told = await recorded(sent, { lostAt: await ledger.now(), problem: recordOf(error) })
    return reconcile(how, told, context, error)
  }

  /** The account is known, and recorded before the name of its bucket is looked for. */
  const named = async (how: Purchase, held: Held, s3uid: string, context: RequestContext): Promise<Entry> => {
    const known = held.entry.made ? held : await recorded(held, { made: { s3uid } })
    const { wanted } = known.entry.intent
    return settled(known, { state: 'done', made: await withBucket(how, { s3uid, wanted }, context) })
  }

  /** Takes on what was claimed before: since then the plan, or its price, may have become another. */
  const resume = async (
    how: Purchase,
    held: Held,
    check: () => Promise<Wanted>,
    context: RequestContext
  ): Promise<Entry> => {
    try {
      await check()
    } catch (error) {
      await ledger.abandon(held)
      throw error
    }
    return buy(how, held, context)
  }

  /** Looks, and never sends. */
  const reconcile = async (how: Purchase, held: Held, context: RequestContext, error?: Problem): Promise<Entry> => {
    const { made } = held.entry
    // Who asks again has waited already.
    const verifyDelaysMs = error ? how.verifyDelaysMs : [0]
    if (made) return named({ ...how, verifyDelaysMs }, held, made.s3uid, context)
    // Asked before the look: what appears during it must not be missed.
    const now = await ledger.now()
    const { intent, before = [], sentAt = now, lostAt = now } = held.entry
    const problem = error ?? (held.entry.problem ? revived(held.entry.problem) : answerLost())
    const isMade = problem.options.outcome === 'partial'
    const isRefused = problem.problem === 'payment-required'
    const isOver = now - lostAt >= lateExecutionWindowMs && !isMade
    // An older order's account cannot be new: HOSTKEY has given its name away again.
    const isOthers = async (s3uid: string) => {
      const maker = await ledger.makerOf(intent.tenant, s3uid)
      return maker !== undefined && maker.takenAt >= sentAt
    }
    const search = { wanted: intent.wanted, before: new Set(before), isMade, isOthers, verifyDelaysMs }
    const finding = await lookForAccount(how.upstream, search, verifying(context))
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
    throw new Problem('idempotency-in-progress', 'Another replica has taken this order on.', {
      outcome: held.entry.state === 'claimed' ? 'not-applied' : 'unknown',
      retryAfterSeconds: 2
    })
  }
  const settled = async (held: Held, change: Partial<Entry>): Promise<Entry> => (await recorded(held, change)).entry

  return {
    async place(how, key, check, context) {
      const known = await ledger.peek(key)
      // What another request has wanted under this key is not bought for this one, should it be gone in a moment.
      if (known && known.intent.fingerprint !== key.fingerprint) throw keyReused()
      const claim = await ledger.claim({ ...key, wanted: known?.intent.wanted ?? (await check()) })
      switch (claim.kind) {
        case 'new':
          return {
            entry: await (known ? resume(how, claim.held, check, context) : buy(how, claim.held, context)),
            isReplayed: false
          }
        case 'takeover': {
          const { state } = claim.held.entry
          const entry =
            state === 'claimed'
              ? resume(how, claim.held, check, context)
              : unlessDown(reconcile(how, claim.held, context))
          return { entry: await entry, isReplayed: false }
        }
        case 'settled':
          if (claim.entry.problem && claim.entry.state === 'failed') throw revived(claim.entry.problem, true)
          return { entry: claim.entry, isReplayed: true }
        case 'running':
          throw new Problem('idempotency-in-progress', 'The same request is still running.', { retryAfterSeconds: 2 })
        case 'reused':
          throw keyReused()
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

const keyReused = () => new Problem('idempotency-key-reused', 'The key belongs to another request.')

/** After the POST a store that is away leaves the outcome open: the entry says `sent`, and a repetition will look. */
const unlessDown = async (work: Promise<Entry>): Promise<Entry> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
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
