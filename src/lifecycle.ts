/** How far the process is on its way out. */
export interface Lifecycle {
  /** True once it drains: load balancers are told to look elsewhere, requests are still served. */
  readonly isDraining: boolean
  /** True once it closes: new requests are sent away. */
  readonly isClosing: boolean
  drain(): void
  close(): void
}

export const createLifecycle = (): Lifecycle => {
  let phase: 'serving' | 'draining' | 'closing' = 'serving'
  return {
    get isDraining() {
      return phase !== 'serving'
    },
    get isClosing() {
      return phase === 'closing'
    },
    drain() {
      if (phase === 'serving') phase = 'draining'
    },
    close() {
      phase = 'closing'
    }
  }
}
