import type { RequestContext } from '../../core/context.ts'
import { Problem } from '../../core/problem.ts'
import type { CountedJob, JobProblem, JobStore } from '../../store/jobs.ts'
import type { Halt } from './halt.ts'
import type { FoundItem, JobKind } from './kind.ts'
import { backoffMs, jobProblemOf, maxAttempts, reactionTo } from './reaction.ts'

/** How often what is selected is listed again, at most, until nothing older than the job is found. */
const MAX_LOOKS = 10
/** A list may show for some time what is deleted (assumed): pauses before it is read again. */
const LAG_MS = [200, 1000, 3000]

export interface ListingParts {
  store: JobStore
  kind: JobKind
  job: CountedJob
  halt: Halt
  context: () => RequestContext
}

/** Finds what a job works on. */
export interface Listing {
  /** Is the first list read, to its end or as far as it can be? */
  readonly isListed: boolean
  /** Was every item found? */
  readonly isComplete: boolean
  /** Why items may not have been found. */
  readonly problem: JobProblem | undefined
  /** Adds every item to the store. */
  addAll(): Promise<void>
  /**
   * Lists again, and lets what the first list has skipped be worked on.
   * @returns what is left; null when the list cannot be read to its end
   */
  countRemaining(workAll: () => Promise<void>): Promise<number | null>
}

export const createListing = ({ store, kind, job, halt, context }: ListingParts): Listing => {
  const { jobId } = job
  const list = kind.list({ s3uid: job.s3uid, bucket: job.bucket }, job.selection)
  let isComplete = list === undefined || job.isListed === true
  let isListed = isComplete
  let isPartial = false
  let problem: JobProblem | undefined

  /** Failures are repeated from the start of the list, which by then is shorter. @returns whether it was read to its end */
  const readAll = async (handle: (items: readonly FoundItem[]) => Promise<void>): Promise<boolean> => {
    if (list === undefined) return true
    let failures = 0
    for (let waits = 1; halt.cause === undefined; waits += 1) {
      try {
        isPartial = false
        for await (const page of list(context())) {
          isPartial = page.isPartial
          await handle(page.items)
          if (halt.cause !== undefined) return false
        }
        return true
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        if (halt.cause !== undefined) return false
        const reaction = reactionTo(error)
        halt.forReaction(reaction, error)
        failures += Number(reaction === 'repeat')
        if (reaction === 'fail' || failures >= maxAttempts(error)) {
          problem = jobProblemOf(error)
          return false
        }
        await halt.wait(backoffMs(error, waits))
      }
    }
    return false
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
      const keys = items.map(({ key }) => key)
      const verdicts = await store.verdictsOf(jobId, keys)
      const skipped: string[] = []
      for (const { key, changedAt } of items) {
        const isOlder = changedAt !== undefined && changedAt < job.createdAt
        if (verdicts.has(key)) {
          // One that failed is counted as such.
          if (verdicts.get(key) === kind.failed) continue
          left += 1
          if (changedAt === undefined || isOlder) lagging += 1
        } else if (isOlder) skipped.push(key)
        else left += 1
      }
      if (skipped.length > 0) added += await store.addItems(jobId, skipped)
    })
    return { isRead, added, left, lagging }
  }

  return {
    get isListed() {
      return isListed
    },
    get isComplete() {
      return isComplete
    },
    get problem() {
      return problem ?? (isPartial ? BLIND : undefined)
    },
    async addAll() {
      if (isListed) return
      try {
        await readAll(async items => {
          const keys = items.map(({ key }) => key)
          await store.addItems(jobId, keys)
        })
        if (halt.cause !== undefined || problem !== undefined) return
        isComplete = !isPartial
        if (isComplete) await store.change(jobId, ['running'], { isListed: true })
      } finally {
        isListed = true
      }
    },
    async countRemaining(workAll) {
      if (list === undefined) return 0
      let lags = 0
      for (let looks = 0; looks < MAX_LOOKS && halt.cause === undefined && problem === undefined; looks += 1) {
        const { isRead, added, left, lagging } = await look()
        if (!isRead) return null
        if (added > 0) {
          await workAll()
          continue
        }
        const lag = LAG_MS[lags]
        if (lagging === 0 || lag === undefined) return isPartial ? null : left
        lags += 1
        await halt.wait(lag)
      }
      return null
    }
  }
}

const BLIND: JobProblem = {
  name: 'upstream-bad-response',
  status: 502,
  detail: 'HOSTKEY does not list what is inside a folder: some files may not have been found.'
}
