import { setTimeout as pause } from 'node:timers/promises'
import type { Caller } from '../../core/caller.ts'
import { latestNow } from '../../core/clock.ts'
import { noUpstreamTiming, type RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { CountedJob, ItemVerdict, JobItem, JobProblem, JobRecord, JobStore } from '../../store/jobs.ts'
import type { FoundItem, JobKind } from './kind.ts'
import { backoffMs, jobProblemOf, mayHaveArrived, type Reaction, reactionTo } from './reaction.ts'

/** Steps under way at the same time. */
export const STEPS_AT_ONCE = 8
/**
 * Items that are recorded as about to be sent ahead of their turn: no step waits for the disk, and the disk is asked less
 * often. It is what a job's time goes to, beside HOSTKEY's.
 */
const AHEAD = 8 * STEPS_AT_ONCE
/** How often an item is sent whose answer is lost, or whose refusal may pass. */
const MAX_ATTEMPTS = 5
/** How often verdicts are written: those of a crash are found out again. */
const SETTLE_MS = 250
/** At most two reports of progress a second. */
export const PROGRESS_MS = 500
/** How often what is selected is listed again, at most, until nothing older than the job is found. */
const MAX_LOOKS = 10
/** A list may show for some time what is deleted (assumed): pauses before it is read again. */
const LAG_MS = [200, 1000, 3000]

export interface RunParts {
  store: JobStore
  /** Called with each change that readers of the job see. */
  report: (job: CountedJob) => Promise<void>
  onVerdicts: (kind: string, verdicts: readonly ItemVerdict[]) => void
}

/** Why a run stops before its end. */
type Halt =
  | { reason: 'stopped' | 'cancelled' }
  | { reason: 'paused' | 'ended'; problem: JobProblem }
  | { reason: 'failed'; error: unknown }

/** How a run ended: what changes in the record, or undefined when the job goes on elsewhere. */
export type RunResult = Partial<JobRecord> | undefined

/**
 * Works on a job to its end, or until it is stopped, paused or cancelled. Listing and steps overlap; items are in the store
 * and not in memory. An item is recorded as about to be sent before it is sent, so that a later run knows that it may have
 * been.
 */
export const runJob = async (
  { store, report, onVerdicts }: RunParts,
  kind: JobKind,
  job: CountedJob,
  caller: Caller,
  stop: AbortSignal
): Promise<RunResult> => {
  const { jobId, selection } = job
  const target = { s3uid: job.s3uid, bucket: job.bucket }
  const list = kind.list(target, selection)
  const reading = new AbortController()
  let halt: Halt | undefined
  const haltFor = (reason: Halt) => {
    halt ??= reason
    reading.abort(new Problem('draining', 'The job stops here.'))
  }
  if (stop.aborted) haltFor({ reason: 'stopped' })
  else stop.addEventListener('abort', () => haltFor({ reason: 'stopped' }), { once: true })

  /** A context of its own for each call: none is more urgent than those of callers who wait. */
  const context = (): RequestContext => ({
    caller,
    signal: reading.signal,
    upstream: noUpstreamTiming()
  })
  const wait = (ms: number) => pause(ms, undefined, { signal: reading.signal }).catch(() => undefined)

  /** Fewer steps at once while HOSTKEY cannot take more. */
  let width: number = STEPS_AT_ONCE
  const slowDown = () => {
    width = Math.max(1, width / 2)
  }
  const speedUp = () => {
    width = Math.min(STEPS_AT_ONCE, width + 1 / width)
  }

  let settled: ItemVerdict[] = []
  const flush = async () => {
    const verdicts = settled
    settled = []
    if (verdicts.length === 0) return
    await store.settle(jobId, verdicts)
    onVerdicts(kind.name, verdicts)
  }

  let isComplete = list === undefined || job.isListed === true
  let isListed = isComplete
  let isPartial = false
  let listProblem: JobProblem | undefined
  let after = 0
  let ahead: JobItem[] = []
  let taking: Promise<void> | undefined
  /** Takes the next items, once for all steps. */
  const take = (): Promise<void> => {
    taking ??= (async () => {
      const wasListed = isListed
      const items = await store.takeItems(jobId, after, AHEAD)
      after = items.at(-1)?.seq ?? after
      ahead.push(...items)
      if (items.length > 0) return
      isEmpty = wasListed
      if (!isEmpty) await wait(10)
    })().finally(() => {
      taking = undefined
    })
    return taking
  }
  let isEmpty = false
  const next = async (): Promise<JobItem | undefined> => {
    while (halt === undefined) {
      const item = ahead.shift()
      if (item === undefined) {
        if (isEmpty) return undefined
        await take()
      } else {
        // Steps go on with what is left while more are taken.
        if (ahead.length < STEPS_AT_ONCE && !isEmpty) take().catch(error => haltFor({ reason: 'failed', error }))
        return item
      }
    }
    return undefined
  }

  const attempt = async (first: JobItem): Promise<ItemVerdict | undefined> => {
    let item = first
    let attempts = 0
    let waits = 0
    for (;;) {
      try {
        const verdict = await kind.step(target, item, context())
        speedUp()
        return { seq: item.seq, verdict }
      } catch (error) {
        const reaction = halt !== undefined ? 'wait' : reactionTo(error)
        if (mayHaveArrived(error)) item = { ...item, wasSent: true }
        attempts += Number(reaction === 'repeat')
        waits += 1
        if (reaction === 'pause') haltFor({ reason: 'paused', problem: jobProblemOf(error) })
        if (reaction === 'end') haltFor({ reason: 'ended', problem: jobProblemOf(error) })
        if (reaction === 'fail' || attempts >= MAX_ATTEMPTS) {
          return { seq: item.seq, verdict: kind.failed, problem: jobProblemOf(error) }
        }
        if (halt !== undefined) return undefined
        slowDown()
        await wait(backoffMs(error, waits))
        if (halt !== undefined) return undefined
      }
    }
  }

  const work = async (index: number): Promise<void> => {
    for (;;) {
      while (halt === undefined && !isEmpty && index >= Math.ceil(width)) await wait(50)
      const item = await next()
      if (item === undefined) return
      const verdict = await attempt(item)
      if (verdict !== undefined) settled.push(verdict)
    }
  }
  const workAll = async () => {
    isEmpty = false
    after = 0
    const steps = Array.from({ length: STEPS_AT_ONCE }, (_, index) => work(index))
    const results = await Promise.allSettled(steps)
    for (const result of results) if (result.status === 'rejected') haltFor({ reason: 'failed', error: result.reason })
    await flush()
  }

  /** Lists what is selected; failures are repeated from the start, which by then is shorter. */
  const readAll = async (handle: (items: readonly FoundItem[]) => Promise<void>): Promise<boolean> => {
    if (list === undefined) return true
    let failures = 0
    for (let waits = 1; halt === undefined; waits += 1) {
      try {
        isPartial = false
        for await (const page of list(context())) {
          isPartial = page.isPartial
          await handle(page.items)
          if (halt !== undefined) return false
        }
        return true
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        if (halt !== undefined) return false
        const reaction: Reaction = reactionTo(error)
        if (reaction === 'pause') haltFor({ reason: 'paused', problem: jobProblemOf(error) })
        if (reaction === 'end') haltFor({ reason: 'ended', problem: jobProblemOf(error) })
        failures += Number(reaction === 'repeat')
        if (reaction === 'fail' || failures >= MAX_ATTEMPTS) {
          listProblem = jobProblemOf(error)
          return false
        }
        await wait(backoffMs(error, waits))
      }
    }
    return false
  }

  const listAll = async () => {
    if (isListed) return
    try {
      await readAll(async items => {
        await store.addItems(
          jobId,
          items.map(({ key }) => key)
        )
      })
      if (halt !== undefined || listProblem !== undefined) return
      isComplete = !isPartial
      if (isComplete) await store.change(jobId, ['running'], { isListed: true })
    } finally {
      isListed = true
    }
  }

  /**
   * Lists once more. What is older than the job and has no verdict was skipped by the first list: it is added.
   * @returns how many are left that came meanwhile, or that are still listed although they are deleted
   */
  const look = async () => {
    let added = 0
    let left = 0
    let lagging = 0
    const isRead = await readAll(async items => {
      const verdicts = await store.verdictsOf(
        jobId,
        items.map(({ key }) => key)
      )
      const skipped: string[] = []
      for (const { key, changedAt } of items) {
        if (verdicts.has(key)) {
          // One that failed is counted as such.
          if (verdicts.get(key) !== kind.failed) {
            left += 1
            if (changedAt === undefined || changedAt < job.createdAt) lagging += 1
          }
        } else if (changedAt !== undefined && changedAt < job.createdAt) skipped.push(key)
        else left += 1
      }
      if (skipped.length > 0) added += await store.addItems(jobId, skipped)
    })
    return { isRead, added, left, lagging }
  }

  /** @returns what is left; null when the list cannot be read to its end */
  const countRemaining = async (): Promise<number | null> => {
    if (list === undefined) return 0
    let lags = 0
    let pausesLeft = MAX_LOOKS
    while (halt === undefined && listProblem === undefined && pausesLeft > 0) {
      pausesLeft -= 1
      const { isRead, added, left, lagging } = await look()
      if (!isRead) return null
      if (added > 0) {
        await workAll()
        continue
      }
      const lag = LAG_MS[lags]
      if (lagging === 0 || lag === undefined) return isPartial ? null : left
      lags += 1
      await wait(lag)
    }
    return null
  }

  let lastReport = ''
  const tell = async () => {
    const current = await store.get(jobId)
    if (current === undefined) return haltFor({ reason: 'stopped' })
    if (current.isCancelled) haltFor({ reason: 'cancelled' })
    const text = JSON.stringify([current.found, current.verdicts])
    if (text === lastReport) return
    lastReport = text
    await report(current)
  }
  const repeating = new AbortController()
  const repeat = async (act: () => Promise<void>, ms: number) => {
    while (await pause(ms, true, { signal: repeating.signal }).catch(() => false)) {
      await act().catch(error => haltFor({ reason: 'failed', error }))
    }
  }
  const background = [repeat(flush, SETTLE_MS), repeat(tell, PROGRESS_MS)]

  let remaining: number | null = null
  try {
    await tell()
    const listing = listAll().catch(error => haltFor({ reason: 'failed', error }))
    await Promise.all([listing, workAll()])
    remaining = await countRemaining()
  } catch (error) {
    haltFor({ reason: 'failed', error })
  } finally {
    repeating.abort()
    await Promise.all(background)
  }
  // What follows must not be lost silently: a store that is down makes the job go on later.
  await flush()
  const unsent = ahead.filter(({ wasSent }) => !wasSent).map(({ seq }) => seq)
  ahead = []
  if (unsent.length > 0) await store.returnItems(jobId, unsent)
  return resultOf()

  async function resultOf(): Promise<RunResult> {
    const endedAt = latestNow()
    if (halt?.reason === 'failed') throw halt.error
    if (halt?.reason === 'stopped') return undefined
    if (halt?.reason === 'paused') return { state: 'paused', pausedAt: endedAt, problem: halt.problem }
    if (halt?.reason === 'ended') await store.settleRest(jobId, kind.failed, halt.problem)
    const { found, verdicts } = (await store.get(jobId)) ?? job
    const count = (names: readonly string[]) => names.reduce((sum, name) => sum + (verdicts[name] ?? 0), 0)
    if (halt?.reason === 'cancelled') {
      return { state: 'cancelled', endedAt, remaining: isComplete ? found - count(kind.verdicts) : null }
    }
    const problem = halt?.reason === 'ended' ? halt.problem : (listProblem ?? (isPartial ? blind : undefined))
    const isDone = problem === undefined && remaining === 0 && count([kind.failed]) === 0
    return {
      state: isDone ? 'succeeded' : 'partly-failed',
      endedAt,
      remaining: halt === undefined ? remaining : null,
      ...(problem && { problem })
    }
  }
}

const blind: JobProblem = {
  name: 'upstream-bad-response',
  status: 502,
  detail: 'HOSTKEY does not list what is inside a folder: some files may not have been found.'
}
