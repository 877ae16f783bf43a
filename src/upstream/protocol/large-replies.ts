/** 128 KiB: smaller replies are read in less than 2 ms. */
export const LARGE_BYTES = 128 * 1024

/** Large replies in memory at once: 64 MiB at most. */
const PLACES = 8
/** Of one caller: a HOSTKEY that sends its replies slowly does not keep those of others waiting. */
const MAX_OF_CALLER = PLACES / 2

/** Keeps large replies from filling the memory: a few are received at once, and they are read one by one. */
export interface LargeReplies {
  /** Takes a place for a reply of a caller, at once or when one becomes free. @returns gives the place up or stops waiting for it */
  admit(share: string, onAdmitted: () => void): () => void
  /** Reads a reply after those before it. */
  read<T>(work: () => Promise<T>): Promise<T>
}

export const createLargeReplies = (): LargeReplies => {
  const held: string[] = []
  const waiting: Reply[] = []
  let last: Promise<void> = Promise.resolve()

  const mayEnter = ({ share }: Reply) =>
    held.length < PLACES && held.filter(holder => holder === share).length < MAX_OF_CALLER

  const enter = (reply: Reply) => {
    held.push(reply.share)
    reply.hasPlace = true
    reply.onAdmitted()
  }

  return {
    admit(share, onAdmitted) {
      const reply = { share, onAdmitted, hasPlace: false }
      if (mayEnter(reply)) enter(reply)
      else waiting.push(reply)
      return () => {
        if (!reply.hasPlace) return removeFrom(waiting, reply)
        reply.hasPlace = false
        removeFrom(held, share)
        const next = waiting.find(mayEnter)
        if (next === undefined) return
        removeFrom(waiting, next)
        enter(next)
      }
    },
    async read(work) {
      const before = last
      const own = Promise.withResolvers<void>()
      last = own.promise
      await before
      return work().finally(own.resolve)
    }
  }
}

interface Reply {
  share: string
  onAdmitted: () => void
  hasPlace: boolean
}

const removeFrom = <T>(list: T[], entry: T): void => {
  const at = list.indexOf(entry)
  if (at >= 0) list.splice(at, 1)
}
