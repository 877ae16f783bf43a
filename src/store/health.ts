import { StoreUnavailable } from './store.ts'

/** While a store is away it is asked so often whether it is back: a fraction of the 500 ms that a recovery may take. */
const PROBE_MS = 50

/** Is told when a store begins and ceases to answer: the cause while it does not. */
export type Report = (cause: Error | undefined) => void

export interface StoreHealthOptions {
  /** Rejects while the store does not answer. */
  probe: () => Promise<unknown>
  /** Did the store answer, though with an error? Then nobody had to wait, and the next command may fare better. */
  isAnswer: (error: unknown) => boolean
  report: Report
}

/** Remembers that a store is away: the first callers pay its time-out, the others are told at once. */
export const createStoreHealth = ({ probe, isAnswer, report }: StoreHealthOptions) => {
  let isAway = false
  let isClosed = false

  const begin = (error: unknown) => {
    if (isAway || isClosed) return
    isAway = true
    report(error instanceof Error ? error : new Error('unknown'))
    lookLater()
  }
  const end = () => {
    isAway = false
    if (!isClosed) report(undefined)
  }
  const lookLater = () => {
    if (!isClosed) setTimeout(() => void probe().then(end, lookLater), PROBE_MS).unref()
  }

  return {
    /** Runs a command unless the store is known to be away. @throws StoreUnavailable */
    async ask<T>(command: () => Promise<T>): Promise<T> {
      if (isAway) throw new StoreUnavailable('away')
      try {
        return await command()
      } catch (error) {
        if (!isAnswer(error)) begin(error)
        throw new StoreUnavailable(error)
      }
    },
    close() {
      isClosed = true
    }
  }
}
