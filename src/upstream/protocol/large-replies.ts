import { setImmediate as nextTurn } from 'node:timers/promises'

/** 128 KiB: smaller replies are read in less than 2 ms. */
export const LARGE_BYTES = 128 * 1024

/** Large replies in memory at once: 64 MiB at most. */
const PLACES = 8

/**
 * Keeps large replies from filling the memory and from blocking the event loop: a few are received at once, and they are
 * processed one by one, each step in a turn of its own, so that other requests and probes are served between them.
 */
export interface LargeReplies {
  /** Takes a place for a reply, at once or when one becomes free. @returns gives the place up or stops waiting for it */
  admit(onAdmitted: () => void): () => void
  /** Runs the steps of one reply. What continues with the result of the last one has a turn of its own too. */
  process<T, R>(parse: () => T, judge: (parsed: T) => R | Promise<R>): Promise<R>
}

export const createLargeReplies = (): LargeReplies => {
  let free = PLACES
  const waiting = new Set<() => void>()
  let last: Promise<void> = Promise.resolve()

  const release = () => {
    const [next] = waiting
    if (next) {
      waiting.delete(next)
      next()
    } else free += 1
  }

  return {
    admit(onAdmitted) {
      let hasPlace = false
      const enter = () => {
        hasPlace = true
        onAdmitted()
      }
      if (free > 0) {
        free -= 1
        enter()
      } else waiting.add(enter)
      return () => {
        if (hasPlace) release()
        else waiting.delete(enter)
        hasPlace = false
      }
    },
    async process(parse, judge) {
      const before = last
      const own = Promise.withResolvers<void>()
      last = own.promise
      await before
      try {
        await nextTurn()
        const parsed = parse()
        await nextTurn()
        const result = judge(parsed)
        // A task of HOSTKEY: nothing waits for its end here.
        if (result instanceof Promise) return result
        await nextTurn()
        return result
      } finally {
        // After the turns in which the result is mapped and written.
        setImmediate(() => setImmediate(own.resolve))
      }
    }
  }
}
