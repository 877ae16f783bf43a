/** How many reads were answered without a call of their own. Plain numbers: counting costs a request nothing. */
export interface Reuse {
  /** From the cache of plans. */
  cached: number
  /** By the call of an identical request in flight. */
  coalesced: number
  /** By a call of their own. */
  sent: number
}

export const createReuse = (): Reuse => ({ cached: 0, coalesced: 0, sent: 0 })
