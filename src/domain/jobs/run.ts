import { setTimeout as pause } from 'node:timers/promises'
import type { Caller } from '../../core/caller.ts'
import { latestNow } from '../../core/clock.ts'
import { noUpstreamTiming, type RequestContext } from '../../core/context.ts'
import type { CountedJob, ItemVerdict, JobRecord, JobStore } from '../../store/jobs.ts'
import { createHalt, type Halt, type StopSignals } from './halt.ts'
import type { JobKind } from './kind.ts'
import { createListing, type Listing } from './listing.ts'
import { createSteps } from './steps.ts'

/** How often verdicts are written: those of a crash are found out again. */
const SETTLE_MS = 250
/** At most two reports of progress a second. */
const PROGRESS_MS = 500

export interface RunParts {
  store: JobStore
  /** Called with each change that readers of the job see. */
  report: (job: CountedJob) => Promise<void>
  onVerdicts: (kind: string, verdicts: readonly ItemVerdict[]) => void
}

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
  signals: StopSignals
): Promise<RunResult> => {
  const halt = createHalt(signals)
  /** A context of its own for each call: none is more urgent than those of callers who wait. */
  const context = (): RequestContext => ({ caller, signal: halt.signal, upstream: noUpstreamTiming() })
  const listing = createListing({ store, kind, job, halt, context })
  const isListed = () => listing.isListed
  const { workAll, flush, returnUnsent } = createSteps({ store, kind, job, halt, context, isListed, onVerdicts })

  let lastReport = ''
  const tell = async () => {
    const current = await store.get(job.jobId)
    if (current === undefined) return halt.for({ reason: 'stopped' })
    if (current.isCancelled) halt.for({ reason: 'cancelled' })
    const text = JSON.stringify([current.found, current.verdicts])
    if (text === lastReport) return
    lastReport = text
    await report(current)
  }
  const repeating = new AbortController()
  const repeat = async (act: () => Promise<void>, ms: number) => {
    while (await pause(ms, true, { signal: repeating.signal }).catch(() => false)) {
      await act().catch(halt.forFailure)
    }
  }
  const background = [repeat(flush, SETTLE_MS), repeat(tell, PROGRESS_MS)]

  let remaining: number | null = null
  try {
    await tell()
    await Promise.all([listing.addAll().catch(halt.forFailure), workAll()])
    remaining = await listing.countRemaining(workAll)
  } catch (error) {
    halt.forFailure(error)
  } finally {
    repeating.abort()
    await Promise.all(background)
  }
  // What follows must not be lost silently: a store that is down makes the job go on later.
  await flush()
  await returnUnsent()
  return resultOf(store, kind, job, { halt, listing, remaining })
}

interface Ended {
  halt: Halt
  listing: Listing
  remaining: number | null
}

const resultOf = async (
  store: JobStore,
  kind: JobKind,
  job: CountedJob,
  { halt: { cause }, listing, remaining }: Ended
): Promise<RunResult> => {
  const endedAt = latestNow()
  if (cause?.reason === 'failed') throw cause.error
  if (cause?.reason === 'stopped') return undefined
  if (cause?.reason === 'paused') return { state: 'paused', pausedAt: endedAt, problem: cause.problem }
  if (cause?.reason === 'ended') await store.settleRest(job.jobId, kind.failed, cause.problem)
  const { found, verdicts } = (await store.get(job.jobId)) ?? job
  const count = (names: readonly string[]) => names.reduce((sum, name) => sum + (verdicts[name] ?? 0), 0)
  if (cause?.reason === 'cancelled') {
    return { state: 'cancelled', endedAt, remaining: listing.isComplete ? found - count(kind.verdicts) : null }
  }
  const problem = cause?.reason === 'ended' ? cause.problem : listing.problem
  const isDone = problem === undefined && remaining === 0 && count([kind.failed]) === 0
  return {
    state: isDone ? 'succeeded' : 'partly-failed',
    endedAt,
    remaining: cause === undefined ? remaining : null,
    ...(problem && { problem })
  }
}
