import type { Outcome } from '../../../schemas/problems.ts'
import { pauseUntilAborted } from '../../core/abort.ts'
import { note, type RequestContext, verifying } from '../../core/context.ts'
import type { Links } from '../../core/links.ts'
import { optionalMembers } from '../../core/optional-members.ts'
import { isSafeToRepeat, Problem } from '../../core/problem.ts'
import { StoreUnavailable } from '../../store/index.ts'
import type { Entry } from './ledger/entry.ts'
import { KEY_MS, type Ledger, type VersionedEntry } from './ledger/ledger.ts'
import { answerLost, notCreated, perhapsSent, toProblem, toRecordedProblem } from './ledger/recorded-problem.ts'
import { maySee, type OrderKey } from './order-key.ts'
import {
  asNotApplied,
  createdDespite,
  isOutcomeOpen,
  type ProvisioningAction,
  type ProvisioningParts,
  sendProvisioning,
  withActualBucket
} from './provisioning.ts'
import { findCreatedAccount, readAccountsOfPlan } from './reconciliation.ts'
import type { RequestedAccount } from './requested-account.ts'
import { findUnrecordedAccount } from './unrecorded-account.ts'

/** 2 s: pause between two looks at HOSTKEY's accounts after the ledger was restored. */
const LOOK_AGAIN_MS = 2000

/** The state of an order after a request for it. */
export interface Placed {
  entry: Entry
  /** Was this answered from the ledger? */
  isReplayed: boolean
}

export interface PlacementParts extends ProvisioningParts {
  ledger: Ledger
  links: Links
  /** Milliseconds after a lost answer; then a missing account is assumed never to appear. */
  lateExecutionWindowMs: number
  /** Deadline of the POST, milliseconds: a replica that lost its lease, because it was frozen, may still wait for its answer. */
  provisionMs: number
}

/** One request for an order. */
export interface OrderRequest {
  action: ProvisioningAction
  key: OrderKey
  /** Checks everything that can be refused before an order is sent. Not called for a key that has an outcome. */
  check: () => Promise<RequestedAccount>
}

/** Creates an account at most once for each Idempotency-Key, whatever fails. */
export interface Placement {
  /**
   * @returns the entry: done, or still unknown
   * @throws Problem idempotency-in-progress, idempotency-key-reused, probable-duplicate-order; of the check; the recorded
   * failure
   */
  place(request: OrderRequest, context: RequestContext): Promise<Placed>
}

export const createPlacement = (parts: PlacementParts): Placement => {
  const { upstream, ledger, links, verifyDelaysMs, lateExecutionWindowMs, provisionMs } = parts

  /** Records the accounts before the POST, then sends it: from there on the entry is reconciled and never sent again. */
  const send = async (action: ProvisioningAction, claimed: VersionedEntry, context: RequestContext): Promise<Entry> => {
    const { requested } = claimed.entry.intent
    const unrecorded = await recoverUnrecorded(claimed, context)
    if (unrecorded) return unrecorded
    const before = await abandonOnError(claimed, () => readAccountsOfPlan(upstream, requested.planId, context))
    const sent = await record(claimed, { state: 'sent', sentAt: await ledger.now(), accountsBefore: [...before] })
    let s3uid: string
    try {
      s3uid = await sendProvisioning(upstream, action, requested, context)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const { problem } = error
      if (isOutcomeOpen(error)) return unknownIfStoreIsDown(recordLostAnswer(sent, error, context))
      if (isSafeToRepeat(problem)) await ledger.abandon(sent)
      else await record(sent, { state: 'failed', problem: toRecordedProblem(error) })
      throw error
    }
    return unknownIfStoreIsDown(finish(sent, s3uid, context))
  }

  /**
   * A ledger that was restored from a backup may not know that this order was sent: then its account is looked for, and
   * until the late-execution window after the restore is over, also for one that HOSTKEY has not created yet.
   * @returns undefined when the order was not sent
   */
  const recoverUnrecorded = async (claimed: VersionedEntry, context: RequestContext): Promise<Entry | undefined> => {
    const restoration = await ledger.restorations.find()
    if (!restoration) return undefined
    const { backupAt, restoredAt } = restoration
    const { tenant, requested } = claimed.entry.intent
    const search = {
      requested,
      // A second order for a bucket name is refused for a day anyway: clocks and zones may differ by as much.
      since: backupAt - KEY_MS,
      belongsToOther: async (s3uid: string) => (await ledger.findByAccount(tenant, s3uid)) !== undefined
    }
    const look = async () => {
      for (;;) {
        const leftMs = restoredAt + lateExecutionWindowMs - (await ledger.now())
        const found = await findUnrecordedAccount(upstream, search, context)
        if (found.finding.kind !== 'none' || leftMs <= 0 || leftMs > lateExecutionWindowMs) return found
        await pauseUntilAborted(Math.min(leftMs, LOOK_AGAIN_MS), context.signal)
        if (context.signal.aborted) throw context.signal.reason
      }
    }
    const { finding, others } = await abandonOnError(claimed, look)
    if (finding.kind === 'none') return undefined
    const times = { sentAt: backupAt, answerLostAt: restoredAt, accountsBefore: others }
    if (finding.kind === 'unclear') {
      return (await record(claimed, { state: 'unknown', ...times, problem: perhapsSent() })).entry
    }
    const created = optionalMembers({ s3uid: finding.s3uid, bucket: finding.bucket })
    return (await record(claimed, { state: 'done', ...times, created })).entry
  }

  /** Records HOSTKEY's answer before the search, so that another replica that takes over knows it too. */
  const recordLostAnswer = async (sent: VersionedEntry, error: Problem, context: RequestContext): Promise<Entry> => {
    const lost = await record(sent, { answerLostAt: await ledger.now(), problem: toRecordedProblem(error) })
    return reconcile(lost, context, { error, delaysMs: verifyDelaysMs })
  }

  /** Records the account before its bucket is looked for. */
  const finish = async (
    current: VersionedEntry,
    s3uid: string,
    context: RequestContext,
    delaysMs = verifyDelaysMs
  ): Promise<Entry> => {
    const known = current.entry.created ? current : await record(current, { created: { s3uid } })
    const { requested } = known.entry.intent
    const created = await withActualBucket({ upstream, verifyDelaysMs: delaysMs }, s3uid, requested, context)
    return (await record(known, { state: 'done', created })).entry
  }

  /** Continues a claim of another request. The plan, or its price, may have changed since: checks again. */
  const resume = async ({ action, check }: OrderRequest, claimed: VersionedEntry, context: RequestContext) => {
    await abandonOnError(claimed, check)
    return send(action, claimed, context)
  }

  /** Looks for the account of an order that was sent; never sends. A repeated request does not wait again. */
  const reconcile = async (
    current: VersionedEntry,
    context: RequestContext,
    { error, delaysMs }: { error?: Problem; delaysMs: readonly number[] } = { delaysMs: [0] }
  ): Promise<Entry> => {
    const { created, intent } = current.entry
    if (created) return finish(current, created.s3uid, context, delaysMs)
    // The clock is read before the search, so that an account that appears during it is not missed.
    const now = await ledger.now()
    const { accountsBefore = [], sentAt = now } = current.entry
    const answerLostAt = current.entry.answerLostAt ?? Math.max(now, sentAt + provisionMs)
    const problem = error ?? (current.entry.problem ? toProblem(current.entry.problem) : answerLost())
    const isReportedCreated = problem.options.outcome === 'partial'
    const search = {
      requested: intent.requested,
      accountsBefore: new Set(accountsBefore),
      isReportedCreated,
      // The account of an order before this one cannot be new: HOSTKEY has used its name again.
      belongsToOther: async (s3uid: string) => {
        const other = await ledger.findByAccount(intent.tenant, s3uid)
        return other !== undefined && other.leasedAt >= sentAt
      },
      verifyDelaysMs: delaysMs
    }
    const finding = await findCreatedAccount(upstream, search, verifying(context))
    if (finding.kind === 'created') {
      return (await record(current, { state: 'done', created: createdDespite(finding, problem) })).entry
    }
    const isRefused = problem.problem === 'payment-required'
    const isWindowOver = now - answerLostAt >= lateExecutionWindowMs && !isReportedCreated
    if (finding.kind === 'none' && (isRefused || isWindowOver)) {
      const failure = isRefused ? toRecordedProblem(asNotApplied(problem)) : notCreated()
      await record(current, { state: 'failed', problem: failure })
      throw toProblem(failure)
    }
    return (await record(current, { state: 'unknown', answerLostAt, problem: toRecordedProblem(problem) })).entry
  }

  /** @throws Problem idempotency-in-progress when another replica has taken the entry over, and will look for itself */
  const record = async (current: VersionedEntry, change: Partial<Entry>): Promise<VersionedEntry> => {
    const next = await ledger.record(current, change)
    if (next) return next
    throw inProgress(
      'Another replica has taken over this order.',
      await ledger.leaseLeftMs(current.entry.orderId),
      { order: links.order(current.entry.orderId) },
      current.entry.state === 'claimed' ? 'not-applied' : 'unknown'
    )
  }

  const abandonOnError = async <T>(claimed: VersionedEntry, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      await ledger.abandon(claimed)
      throw error
    }
  }

  const takeOver = (request: OrderRequest, claimed: VersionedEntry, context: RequestContext): Promise<Entry> =>
    claimed.entry.state === 'claimed'
      ? resume(request, claimed, context)
      : unknownIfStoreIsDown(reconcile(claimed, context))

  return {
    async place(request, context) {
      const { action, key, check } = request
      const known = await ledger.peek(key)
      if (!known) await ledger.noteAttempt(key)
      // Checked before the claim: the known entry may expire meanwhile, and its request is not this one.
      if (known && known.intent.fingerprint !== key.fingerprint) throw keyReused()
      const claim = await ledger.claim({ ...key, requested: known?.intent.requested ?? (await check()) })
      switch (claim.kind) {
        case 'new': {
          const { claimed } = claim
          note(context, { orderId: claimed.entry.orderId })
          const entry = await claim.lease.during(() =>
            known ? resume(request, claimed, context) : send(action, claimed, context)
          )
          return placed(entry, false, context)
        }
        case 'takeover': {
          note(context, { orderId: claim.claimed.entry.orderId })
          const entry = await claim.lease.during(() => takeOver(request, claim.claimed, context))
          return placed(entry, false, context)
        }
        case 'terminal':
          note(context, { orderId: claim.entry.orderId, isReplayed: true })
          if (claim.entry.problem && claim.entry.state === 'failed') throw toProblem(claim.entry.problem, true)
          return placed(claim.entry, true, context)
        case 'running':
          note(context, { isReplayed: true, orderId: claim.orderId })
          throw inProgress('The same request is still running.', claim.leftMs, { order: links.order(claim.orderId) })
        case 'reused':
          throw keyReused()
        case 'duplicate': {
          const other = await ledger.find(key.tenant, claim.orderId)
          const isVisible = other === undefined ? context.caller.accounts === undefined : maySee(context.caller, other)
          throw new Problem('probable-duplicate-order', 'Another key has already ordered this bucket name.', {
            ...(isVisible && { links: { order: links.order(claim.orderId) } })
          })
        }
      }
    }
  }
}

/** The result, with its account in the audit log. */
const placed = (entry: Entry, isReplayed: boolean, context: RequestContext): Placed => {
  note(context, { isReplayed, ...(entry.created && { s3uid: entry.created.s3uid }) })
  return { entry, isReplayed }
}

/** @param leftMs what is left of the lease of the request that works on the order */
const inProgress = (detail: string, leftMs: number, related: { order: string }, outcome?: Outcome) =>
  new Problem('idempotency-in-progress', detail, {
    ...(outcome && { outcome }),
    links: related,
    retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000))
  })

const keyReused = () => new Problem('idempotency-key-reused', 'The key belongs to another request.')

/** After the POST an unavailable store leaves the outcome open: the entry says `sent`, and a repetition will look. */
const unknownIfStoreIsDown = async (work: Promise<Entry>): Promise<Entry> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    throw new Problem(
      'store-unavailable',
      'The outcome of the order could not be recorded: send the same request with the same key.',
      { outcome: 'unknown', retryAfterSeconds: 2, cause: error }
    )
  }
}
