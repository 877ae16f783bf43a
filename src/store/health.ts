import { type ReportFault, reportOnce, type StoreFault } from './faults.ts'
import { StoreUnavailable } from './store.ts'

/** While the store is unavailable it is probed this often: a fraction of the 500 ms within which recovery must be noticed. */
const PROBE_MS = 50

/** A store that answers is examined this often: what is wrong with it is noticed before someone needs it. */
const EXAMINE_MS = 60_000
/** And this often while something is wrong. */
const EXAMINE_AGAIN_MS = 1000

export type ObserveCommand = (ms: number, isAnswered: boolean) => void

export interface StoreHealthOptions {
  /** Rejects while the store does not answer. */
  probe: () => Promise<unknown>
  /** Rejects while the store cannot do everything that is asked of it. */
  examine: () => Promise<unknown>
  explain: (error: unknown) => StoreFault
  /**
   * What a failed command means: `away`: every other would fail too, or wait · `wrong`: only some fail · `lost`: this one
   * was lost with its connection, which may be back at once · `slow`: a counter that did not wait long.
   */
  classify: (error: unknown) => 'away' | 'wrong' | 'lost' | 'slow'
  report: ReportFault
  /** Called after each command. @param isAnswered it neither failed nor took too long */
  observe?: ObserveCommand
}

export type StoreHealth = ReturnType<typeof createStoreHealth>

/** Fails commands at once while the store is unavailable: only those that find it out wait for its time-out. */
export const createStoreHealth = ({ probe, examine, explain, classify, report, observe }: StoreHealthOptions) => {
  const tell = reportOnce(report)
  let fault: StoreFault | undefined
  let isAway = false
  let isSlow = false
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let examining: Promise<void> | undefined

  const next = (act: () => void, ms: number) => {
    clearTimeout(timer)
    if (!isClosed) timer = setTimeout(act, ms).unref()
  }
  const setFault = (found: StoreFault) => {
    fault = found
    tell(found)
  }
  const setAway = (error: unknown) => {
    if (isClosed) return
    const found = explain(error)
    // Attempts to connect fail in several ways, none of which says more than the first cause.
    if (!isAway || found.cause !== 'no-answer') setFault(found)
    if (!isAway) next(probeAgain, PROBE_MS)
    isAway = true
  }
  const setWrong = (error: unknown) => {
    if (isAway || isClosed) return
    // Once: commands that go on failing must not put the examination off.
    if (fault === undefined) next(() => void examineNow(), EXAMINE_AGAIN_MS)
    setFault(explain(error))
  }
  const probeAgain = () => {
    probe().then(
      () => {
        isAway = false
        return examineNow()
      },
      error => {
        setAway(error)
        next(probeAgain, PROBE_MS)
      }
    )
  }
  const examineNow = (): Promise<void> => {
    examining ??= examineOnce().finally(() => {
      examining = undefined
    })
    return examining
  }
  const examineOnce = async (): Promise<void> => {
    if (isAway || isClosed) return
    try {
      await examine()
      if (isAway || isClosed) return
      fault = undefined
      tell(undefined)
      next(() => void examineNow(), EXAMINE_MS)
    } catch (error) {
      if (classify(error) !== 'wrong') return setAway(error)
      setWrong(error)
      next(() => void examineNow(), EXAMINE_AGAIN_MS)
    }
  }
  const fail = (error: unknown) => {
    const kind = classify(error)
    if (kind === 'wrong') setWrong(error)
    if (kind === 'away') setAway(error)
    if (kind === 'slow' && !isSlow) {
      isSlow = true
      probe().then(
        () => {
          isSlow = false
        },
        cause => {
          isSlow = false
          setAway(cause)
        }
      )
    }
  }

  return {
    /** Runs a command unless the store is known to be unavailable. @throws StoreUnavailable */
    async run<T>(command: () => Promise<T>): Promise<T> {
      if (isAway) throw new StoreUnavailable(fault?.code)
      const startedAt = performance.now()
      try {
        const answer = await command()
        observe?.(performance.now() - startedAt, true)
        return answer
      } catch (error) {
        observe?.(performance.now() - startedAt, false)
        fail(error)
        throw new StoreUnavailable(error)
      }
    },
    /** There is no connection. */
    lose: setAway,
    examineNow,
    get isAway() {
      return isAway
    },
    /** Has a counter given up waiting, and no answer come since? */
    get isSlow() {
      return isSlow
    },
    /** What keeps the store from its work. */
    async check(): Promise<StoreFault | undefined> {
      if (fault) return fault
      try {
        await probe()
        return fault
      } catch (error) {
        fail(error)
        return fault ?? explain(error)
      }
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    }
  }
}
