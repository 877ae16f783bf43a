/** Tells work to stop. An AbortSignal is one. */
export interface StopSignal {
  readonly aborted: boolean
  /** Why; undefined until it is aborted. */
  readonly reason: unknown
  addEventListener(event: 'abort', act: () => void): void
  removeEventListener(event: 'abort', act: () => void): void
}

/**
 * A signal and what aborts it. Each request and each call has one, which is almost never aborted: an AbortController, with
 * its events, takes several times as long to make and to listen to.
 */
export class Abort implements StopSignal {
  aborted = false
  reason: unknown
  #acts: (() => void)[] = []

  addEventListener(_event: 'abort', act: () => void): void {
    this.#acts.push(act)
  }

  removeEventListener(_event: 'abort', act: () => void): void {
    const place = this.#acts.indexOf(act)
    if (place >= 0) this.#acts.splice(place, 1)
  }

  /** Only the first call counts. @param reason a Problem, or that the caller has disconnected */
  abort(reason: unknown = new DOMException('The caller has disconnected.', 'AbortError')): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    for (const act of this.#acts.splice(0)) act()
  }
}

/** A signal that is never aborted. */
export const never: StopSignal = Object.freeze({
  aborted: false,
  reason: undefined,
  addEventListener: () => undefined,
  removeEventListener: () => undefined
})

/** Waits; no longer than until the signal is aborted. */
export const pauseUntilAborted = (ms: number, signal: StopSignal | undefined): Promise<void> =>
  new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, signal?.aborted ? 0 : ms)
    signal?.addEventListener('abort', end)
  })
