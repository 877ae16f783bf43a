import { StoreUnavailable } from './store.ts'

/** While the store is unavailable it is probed this often: a fraction of the 500 ms within which recovery must be noticed. */
const PROBE_MS = 50

/** Called with the cause when a store becomes unavailable, and with undefined when it answers again. */
export type ReportHealth = (cause: Error | undefined) => void

export interface StoreHealthOptions {
  /** Rejects while the store does not answer. */
  probe: () => Promise<unknown>
  /** Is this error an answer of the store? Then the store is available, and only this command failed. */
  isAnswer: (error: unknown) => boolean
  report: ReportHealth
}

/** Fails commands at once while the store is unavailable: only those that find it out wait for its time-out. */
export const createStoreHealth = ({ probe, isAnswer, report }: StoreHealthOptions) => {
  let isUnavailable = false
  let isClosed = false

  const markUnavailable = (error: unknown) => {
    if (isUnavailable || isClosed) return
    isUnavailable = true
    report(error instanceof Error ? error : new Error('unknown'))
    probeLater()
  }
  const markAvailable = () => {
    isUnavailable = false
    if (!isClosed) report(undefined)
  }
  const probeLater = () => {
    if (!isClosed) setTimeout(() => void probe().then(markAvailable, probeLater), PROBE_MS).unref()
  }

  return {
    /** Runs a command unless the store is known to be unavailable. @throws StoreUnavailable */
    async run<T>(command: () => Promise<T>): Promise<T> {
      if (isUnavailable) throw new StoreUnavailable('unavailable')
      try {
        return await command()
      } catch (error) {
        if (!isAnswer(error)) markUnavailable(error)
        throw new StoreUnavailable(error)
      }
    },
    close() {
      isClosed = true
    }
  }
}
