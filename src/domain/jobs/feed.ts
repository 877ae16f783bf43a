import { setTimeout as pause } from 'node:timers/promises'
import { type CountedJob, isOpen, type JobEvent, type JobStore } from '../../store/jobs.ts'

/** How often a job that is watched is looked at: once for all of its readers. */
const POLL_MS = 250

/** Events that are kept in memory for all readers of a job; one that is further behind reads from the store. */
const MAX_KEPT = 64

/** The events of jobs for their readers, wherever the job runs. A reader costs its position. */
export interface JobFeed {
  /**
   * The events after this one, as they come; nothing but undefined, four times a second, while there are none.
   * @throws StoreUnavailable
   */
  watch(job: CountedJob, after: number): AsyncGenerator<JobEvent | undefined, void, void>
}

interface Watched {
  readers: number
  /** The last events, with consecutive ids. */
  events: readonly JobEvent[]
  /** Id of the last event. */
  last: number
  /** Ends at the next look. */
  look: Promise<void>
}

export const createJobFeed = (store: JobStore): JobFeed => {
  const watched = new Map<string, Watched>()

  const lookAgain = async (jobId: string, entry: Watched): Promise<void> => {
    await pause(POLL_MS)
    // While the store is down there is no news, and the readers stay.
    const found = await store.events(jobId, { after: entry.last, limit: MAX_KEPT }).catch((): JobEvent[] => [])
    entry.events = [...entry.events, ...found].slice(-MAX_KEPT)
    entry.last = found.at(-1)?.id ?? entry.last
    if (entry.readers > 0) entry.look = lookAgain(jobId, entry)
    else watched.delete(jobId)
  }

  const join = ({ jobId, lastEventId }: CountedJob): Watched => {
    const known = watched.get(jobId)
    const entry = known ?? { readers: 0, events: [], last: lastEventId, look: Promise.resolve() }
    entry.readers += 1
    if (!known) {
      watched.set(jobId, entry)
      entry.look = lookAgain(jobId, entry)
    }
    return entry
  }

  return {
    async *watch(job, after) {
      const entry = join(job)
      // A reader that has all events of an ended job gets its end again: nothing else would come.
      let position = Math.min(after, isOpen(job) ? entry.last : job.lastEventId - 1)
      try {
        for (;;) {
          const { events, last, look } = entry
          const first = events[0]?.id ?? last + 1
          const next =
            position + 1 < first
              ? await store.events(job.jobId, { after: position, limit: MAX_KEPT })
              : events.filter(({ id }) => id > position)
          for (const event of next) {
            position = event.id
            yield event
          }
          if (next.length > 0) continue
          yield undefined
          await look
        }
      } finally {
        entry.readers -= 1
      }
    }
  }
}
