import { setTimeout as pause } from 'node:timers/promises'
import { Problem } from '../../core/problem.ts'
import type { JobProblem } from '../../store/jobs.ts'
import { jobProblemOf, type Reaction } from './reaction.ts'

/** Why a run stops before its end. */
export type HaltReason =
  | { reason: 'stopped' | 'cancelled' }
  | { reason: 'paused' | 'ended'; problem: JobProblem }
  | { reason: 'failed'; error: unknown }

/** Stops a run: nothing new is sent, and what waits goes on at once. */
export interface Halt {
  /** The first one; undefined while the run goes on. */
  readonly cause: HaltReason | undefined
  /** Aborts with the run. */
  readonly signal: AbortSignal
  for(reason: HaltReason): void
  /** The run itself failed: it goes on later. */
  forFailure(error: unknown): void
  /** Where the reaction to a failure of HOSTKEY is to pause or to end the job. */
  forReaction(reaction: Reaction, error: unknown): void
  wait(ms: number): Promise<void>
}

/** From outside: another replica takes the job over, or this one shuts down; a caller of this replica cancels the job. */
export interface StopSignals {
  stopped: AbortSignal
  cancelled: AbortSignal
}

export const createHalt = (signals: StopSignals): Halt => {
  const controller = new AbortController()
  let cause: HaltReason | undefined
  const halt: Halt = {
    get cause() {
      return cause
    },
    signal: controller.signal,
    for(reason) {
      cause ??= reason
      controller.abort(new Problem('draining', 'The job stops here.'))
    },
    forFailure: error => halt.for({ reason: 'failed', error }),
    forReaction(reaction, error) {
      if (reaction === 'pause') halt.for({ reason: 'paused', problem: jobProblemOf(error) })
      if (reaction === 'end') halt.for({ reason: 'ended', problem: jobProblemOf(error) })
    },
    wait: ms => pause(ms, undefined, { signal: controller.signal }).catch(() => undefined)
  }
  for (const reason of ['stopped', 'cancelled'] as const) {
    if (signals[reason].aborted) halt.for({ reason })
    else signals[reason].addEventListener('abort', () => halt.for({ reason }), { once: true })
  }
  return halt
}
