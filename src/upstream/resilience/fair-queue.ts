import { isStranger } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'

/** Calls of one caller at the same time, in each class: more than a page needs, too few to slow others down. Assumed. */
export const MAX_IN_FLIGHT = 8
/** Further calls of a caller that wait. */
export const MAX_WAITING = 64

/** Strangers get every fourth slot while customers wait too. */
const STRANGERS_TURN = 4
/** How often calls are ended whose caller has gone or whose time is over. One timer for all of them costs less than one each. */
const SWEEP_MS = 50

/** The slots that one caller uses, and its calls that wait for one. */
export interface Share {
  readonly key: string
  readonly isStranger: boolean
  readonly factor: number
  inUse: number
  /** Since when it waits while it holds nothing, milliseconds. */
  blockedAt: number
  waiting: Waiting[]
}

interface Waiting extends Patience {
  since: number
  begin: (share: Share) => void
  refuse: (error: unknown) => void
}

/** How long a call waits. */
export interface Patience {
  /** On the clock of `performance.now()`. */
  readonly until: number
  /** Ends the waiting. */
  readonly signal: AbortSignal
  /** True for a call that must not be refused because too many wait: it verifies a write. */
  readonly isUrgent: boolean
}

export interface FairQueueOptions {
  slots: number
  /** Slots that all strangers together may hold. */
  strangerSlots: number
  /** Longest wait of a caller that uses no slot at all, milliseconds. */
  maxWaitMs: number
}

/**
 * Gives slots to callers in turn. No caller holds more than half of them or `MAX_IN_FLIGHT`, and the last eighth is for
 * callers that use none. The excess of a caller waits for its own calls; only a caller that gets no slot at all is refused
 * because of others.
 */
export interface FairQueue {
  /** Takes a slot if one is free for this caller. @param factor multiplies what a caller may have */
  enter(share: string, factor: number): Share | undefined
  /** Waits for a slot. @throws Problem rate-limited, overloaded, or the reason of the signal: the call has not begun */
  wait(share: string, factor: number, patience: Patience): Promise<Share>
  leave(share: Share): void
  /** Slots in use. */
  readonly inFlight: number
  /** Calls that wait. */
  readonly waiting: number
}

export const createFairQueue = ({ slots, strangerSlots, maxWaitMs }: FairQueueOptions): FairQueue => {
  const reserve = Math.ceil(slots / 8)
  const half = Math.max(1, Math.floor(slots / 2))
  const shares = new Map<string, Share>()
  /** The shares with waiting calls, the next first. */
  const customers = new Set<Share>()
  const strangers = new Set<Share>()
  let free = slots
  let usedByStrangers = 0
  let turn = 0
  let isSweeping = false

  const shareOf = (key: string, factor: number): Share => {
    const known = shares.get(key)
    if (known) return known
    const share = { key, isStranger: isStranger(key), factor, inUse: 0, blockedAt: 0, waiting: [] }
    shares.set(key, share)
    return share
  }

  const isAtLimit = ({ inUse, factor }: Share) => inUse >= half || inUse >= MAX_IN_FLIGHT * factor

  const mayTake = (share: Share): boolean =>
    free > 0 &&
    !isAtLimit(share) &&
    (share.inUse === 0 || free > reserve) &&
    (!share.isStranger || usedByStrangers < strangerSlots)

  const take = (share: Share) => {
    free -= 1
    share.inUse += 1
    if (share.isStranger) usedByStrangers += 1
  }

  const ringOf = (share: Share) => (share.isStranger ? strangers : customers)

  const forgetIfIdle = (share: Share) => {
    if (share.waiting.length > 0) return
    ringOf(share).delete(share)
    if (share.inUse === 0) shares.delete(share.key)
  }

  const next = (): Share | undefined => {
    const rings = turn % STRANGERS_TURN === 0 ? [strangers, customers] : [customers, strangers]
    for (const ring of rings) for (const share of ring) if (mayTake(share)) return share
    return undefined
  }

  /** Gives the free slots to those who wait, each share in its turn. */
  const serve = () => {
    for (let share = next(); share; share = next()) {
      const call = share.waiting.shift()
      // To the end of its ring.
      ringOf(share).delete(share)
      if (share.waiting.length > 0) ringOf(share).add(share)
      if (call?.signal.aborted) call.refuse(reasonOf(call.signal))
      else if (call) {
        turn += 1
        take(share)
        call.begin(share)
      }
      forgetIfIdle(share)
    }
  }

  /** Ends calls that need not or must not wait any longer. */
  const sweep = (share: Share, now: number) => {
    const isBlocked = share.inUse === 0 && now - share.blockedAt >= maxWaitMs
    share.waiting = share.waiting.filter(call => {
      if (call.signal.aborted) call.refuse(reasonOf(call.signal))
      else if (now >= call.until) call.refuse(share.inUse > 0 ? tooMany(share) : overloaded())
      else if (isBlocked && !call.isUrgent && now - call.since >= maxWaitMs) call.refuse(overloaded())
      else return true
      return false
    })
    forgetIfIdle(share)
  }

  const sweepLater = () => {
    if (isSweeping) return
    isSweeping = true
    setTimeout(sweepAll, SWEEP_MS)
  }

  const sweepAll = () => {
    isSweeping = false
    const now = performance.now()
    for (const ring of [customers, strangers]) for (const share of ring) sweep(share, now)
    if (customers.size + strangers.size > 0) sweepLater()
  }

  return {
    enter(key, factor) {
      const share = shareOf(key, factor)
      if (share.waiting.length > 0 || !mayTake(share)) return undefined
      take(share)
      return share
    },
    wait(key, factor, patience) {
      const share = shareOf(key, factor)
      const now = performance.now()
      const max = MAX_WAITING * factor
      if (share.waiting.length >= max) sweep(share, now)
      if (share.waiting.length >= max && !patience.isUrgent) return Promise.reject(tooMany(share))
      if (share.inUse === 0 && share.waiting.length === 0) share.blockedAt = now
      return new Promise((begin, refuse) => {
        share.waiting.push({ ...patience, since: now, begin, refuse })
        shares.set(key, share)
        ringOf(share).add(share)
        sweepLater()
      })
    },
    leave(share) {
      free += 1
      share.inUse -= 1
      if (share.isStranger) usedByStrangers -= 1
      if (share.inUse === 0) share.blockedAt = performance.now()
      forgetIfIdle(share)
      if (customers.size + strangers.size > 0) serve()
    },
    get inFlight() {
      return slots - free
    },
    get waiting() {
      return [...customers, ...strangers].reduce((sum, { waiting }) => sum + waiting.length, 0)
    }
  }
}

/** The shutdown's own problem, or that the caller has gone. */
const reasonOf = ({ reason }: AbortSignal): Problem =>
  reason instanceof Problem ? reason : new Problem('overloaded', 'The caller has disconnected; nothing was sent.')

const overloaded = () =>
  new Problem('overloaded', 'Too many requests are waiting for HOSTKEY.', { retryAfterSeconds: 1 + Math.random() * 2 })

const tooMany = ({ factor }: Share) =>
  new Problem(
    'rate-limited',
    `More than ${MAX_IN_FLIGHT * factor} requests at the same time, and ${MAX_WAITING * factor} waiting, for the limit \`in-flight\`.`,
    { retryAfterSeconds: 1 }
  )
