/** How long a piece of work keeps the event loop. Probes and other requests are served between two pieces. */
const TURN_MS = 5

const waiting: (() => void)[] = []

const serve = () => {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(serve)
}

/**
 * A turn of the event loop that no other long work has. There is one event loop, so all long work of the process waits in
 * one line.
 */
export const nextTurn = (): Promise<void> =>
  new Promise(resolve => {
    waiting.push(resolve)
    if (waiting.length === 1) setImmediate(serve)
  })

/** Does long work, in as many turns as it needs. @param work yields wherever it may pause, about once a millisecond */
export const doInTurns = async <T>(work: Generator<void, T>): Promise<T> => {
  for (;;) {
    await nextTurn()
    const until = performance.now() + TURN_MS
    do {
      const { done, value } = work.next()
      if (done) return value
    } while (performance.now() < until)
  }
}

/** Pieces of a list: each takes about a millisecond. */
export function* piecesOf<T>(list: readonly T[]): Generator<readonly T[], void> {
  for (let at = 0; at < list.length; at += PIECE) yield list.slice(at, at + PIECE)
}

/** Entries of a list that are worked on at once. */
const PIECE = 500

/** A list whose entries take longer than a turn. */
export const isLong = (list: readonly unknown[]): boolean => list.length > 4 * PIECE
