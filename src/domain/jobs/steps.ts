import type { RequestContext } from '../../core/context.ts'
import type { CountedJob, ItemVerdict, JobItem, JobStore } from '../../store/jobs.ts'
import type { Halt } from './halt.ts'
import type { JobKind } from './kind.ts'
import { backoffMs, jobProblemOf, maxAttempts, mayHaveArrived, reactionTo } from './reaction.ts'

/** Steps under way at the same time. */
export const STEPS_AT_ONCE = 8
/**
 * Items that are recorded as about to be sent ahead of their turn: no step waits for the disk, and the disk is asked less
 * often. It is what a job's time goes to, beside HOSTKEY's.
 */
const AHEAD = 8 * STEPS_AT_ONCE

export interface StepParts {
  store: JobStore
  kind: JobKind
  job: CountedJob
  halt: Halt
  context: () => RequestContext
  /** Is every item in the store? */
  isListed: () => boolean
  onVerdicts: (kind: string, verdicts: readonly ItemVerdict[]) => void
}

/** The steps of a job. */
export interface Steps {
  /** Works on every item without a verdict, those that are still added included. */
  workAll(): Promise<void>
  /** Writes the verdicts so far. */
  flush(): Promise<void>
  /** Gives back what was taken and not sent. */
  returnUnsent(): Promise<void>
}

export const createSteps = ({ store, kind, job, halt, context, isListed, onVerdicts }: StepParts): Steps => {
  const { jobId, s3uid, bucket } = job

  /** Fewer steps at once while HOSTKEY cannot take more. */
  let width: number = STEPS_AT_ONCE
  const slowDown = () => {
    width = Math.max(1, width / 2)
  }
  const speedUp = () => {
    width = Math.min(STEPS_AT_ONCE, width + 1 / width)
  }

  let ahead: JobItem[] = []
  let after = 0
  let isEmpty = false
  let taking: Promise<void> | undefined
  /** Takes the next items, once for all steps. */
  const take = (): Promise<void> => {
    taking ??= (async () => {
      const wasListed = isListed()
      const items = await store.takeItems(jobId, after, AHEAD)
      after = items.at(-1)?.seq ?? after
      ahead.push(...items)
      if (items.length > 0) return
      isEmpty = wasListed
      if (!isEmpty) await halt.wait(10)
    })().finally(() => {
      taking = undefined
    })
    return taking
  }
  const next = async (): Promise<JobItem | undefined> => {
    while (halt.cause === undefined) {
      const item = ahead.shift()
      if (item === undefined) {
        if (isEmpty) return undefined
        await take()
      } else {
        // Steps go on with what is left while more are taken.
        if (ahead.length < STEPS_AT_ONCE && !isEmpty) take().catch(halt.forFailure)
        return item
      }
    }
    return undefined
  }

  /** @returns undefined when the run stops before there is a verdict */
  const attempt = async (first: JobItem): Promise<ItemVerdict | undefined> => {
    let item = first
    let attempts = 0
    for (let waits = 1; ; waits += 1) {
      try {
        const verdict = await kind.step({ s3uid, bucket }, item, context())
        speedUp()
        return { seq: item.seq, verdict }
      } catch (error) {
        const reaction = halt.cause === undefined ? reactionTo(error) : 'wait'
        if (mayHaveArrived(error)) item = { ...item, wasSent: true }
        attempts += Number(reaction === 'repeat')
        halt.forReaction(reaction, error)
        const failed = { seq: item.seq, verdict: kind.failed, problem: jobProblemOf(error) }
        if (reaction === 'fail' || attempts >= maxAttempts(error)) return failed
        if (halt.cause === undefined) {
          slowDown()
          await halt.wait(backoffMs(error, waits))
        }
        // A cancelled job is not sent again: what HOSTKEY may have done must not count as not reached.
        if (halt.cause !== undefined) return halt.cause.reason === 'cancelled' && item.wasSent ? failed : undefined
      }
    }
  }

  let settled: ItemVerdict[] = []
  const flush = async () => {
    const verdicts = settled
    settled = []
    if (verdicts.length === 0) return
    await store.settle(jobId, verdicts)
    onVerdicts(kind.name, verdicts)
  }

  const work = async (index: number): Promise<void> => {
    for (;;) {
      while (halt.cause === undefined && !isEmpty && index >= Math.ceil(width)) await halt.wait(50)
      const item = await next()
      if (item === undefined) return
      const verdict = await attempt(item)
      if (verdict !== undefined) settled.push(verdict)
    }
  }

  return {
    async workAll() {
      isEmpty = false
      after = 0
      const results = await Promise.allSettled(Array.from({ length: STEPS_AT_ONCE }, (_, index) => work(index)))
      for (const result of results) if (result.status === 'rejected') halt.forFailure(result.reason)
      await flush()
    },
    flush,
    async returnUnsent() {
      const unsent = ahead.filter(({ wasSent }) => !wasSent).map(({ seq }) => seq)
      ahead = []
      if (unsent.length > 0) await store.returnItems(jobId, unsent)
    }
  }
}
