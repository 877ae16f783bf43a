import type { StopSignal } from '../../core/abort.ts'
import { isJob, isOfToken, isStranger } from '../../core/caller.ts'
import { Problem } from '../../core/problem.ts'

/** Calls of one caller at the same time, in each class: more than a page needs, too few to slow others down. Assumed. */
export const MAX_IN_FLIGHT = 8
/** Further calls of a caller that wait. */
export const MAX_WAITING = 64

/** Slots of an address that no credential among its strangers has alone: the others must get a chance to be accepted. */
const LEFT_TO_OTHERS = 2

/** Strangers get every fourth slot while customers wait too. */
const STRANGERS_TURN = 4
/**
 * Slots that all jobs together may hold: half of them; a third while others wait.
 */
const JOB_SLOTS = { alone: 1 / 2, besideOthers: 1 / 3 }

/** How often calls are ended whose caller has gone or whose time is over. One timer for all of them costs less than one each. */
const SWEEP_MS = 50

/** The slots that one caller uses, and its calls that wait for one. */
export interface Share {
  readonly key: string
  readonly isStranger: boolean
  readonly isOfToken: boolean
  /** Work in the background: others do not wait for it. */
  readonly isJob: boolean
  readonly factor: number
  inUse: number
  /** Since when it waits while it holds nothing, milliseconds. */
  blockedAt: number
  waiting: Waiting[]
  /** Calls in flight by credential, of strangers. */
  ids: Map<string, number> | undefined
}

/** Who calls. */
export interface Who {
  readonly share: string
  /** Of the credential. */
  readonly id: string
  /** Multiplies what a caller may have. */
  readonly limitFactor: number
}

interface Waiting extends Patience {
  id: string
  since: number
  begin: (share: Share) => void
  refuse: (error: unknown) => void
}

/** How long a call waits. */
export interface Patience {
  /** On the clock of `performance.now()`. */
  readonly until: number
  /** Ends the waiting. */
  readonly signal: StopSignal
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
  /** Takes a slot if one is free for this caller. */
  enter(who: Who): Share | undefined
  /** Waits for a slot. @throws Problem rate-limited, overloaded, or the reason of the signal: the call has not begun */
  wait(who: Who, patience: Patience): Promise<Share>
  leave(share: Share, id: string): void
  /** Slots in use. */
  readonly inFlight: number
  /** Do tokens whose customers are not known hold more than half of the slots? They may be of one customer. */
  readonly isCrowdedByTokens: boolean
  /** Calls that wait. */
  readonly waiting: number
}

export const createFairQueue = ({ slots, strangerSlots, maxWaitMs }: FairQueueOptions): FairQueue => {
  const reserve = Math.ceil(slots / 8)
  const half = Math.max(1, Math.floor(slots / 2))
  const maxOfStranger = half > LEFT_TO_OTHERS ? Math.min(half - 1, MAX_IN_FLIGHT - LEFT_TO_OTHERS) : half
  const shares = new Map<string, Share>()
  /** The shares with waiting calls, the next first. */
  const customers = new Set<Share>()
  const strangers = new Set<Share>()
  let free = slots
  let usedByStrangers = 0
  let usedByTokens = 0
  let usedByJobs = 0
  let turn = 0
  let isSweeping = false

  const shareOf = ({ share: key, limitFactor: factor }: Who): Share => {
    const known = shares.get(key)
    if (known) return known
    const ids = isStranger(key) ? new Map<string, number>() : undefined
    const share = {
      key,
      isStranger: ids !== undefined,
      isOfToken: isOfToken(key),
      isJob: isJob(key),
      factor,
      inUse: 0,
      blockedAt: 0,
      waiting: [],
      ids
    }
    shares.set(key, share)
    return share
  }

  const isAtLimit = ({ inUse, factor }: Share) => inUse >= half || inUse >= MAX_IN_FLIGHT * factor

  const mayTake = (share: Share): boolean =>
    free > 0 &&
    !isAtLimit(share) &&
    (share.inUse === 0 || free > reserve) &&
    (!share.isStranger || usedByStrangers < strangerSlots) &&
    (!share.isJob || usedByJobs < jobSlots())

  const jobSlots = (): number => {
    let isWanted = strangers.size > 0
    for (const share of customers) isWanted ||= !share.isJob
    return Math.max(1, Math.floor(slots * (isWanted ? JOB_SLOTS.besideOthers : JOB_SLOTS.alone)))
  }

  const mayUseMore = ({ ids }: Share, id: string): boolean => ids === undefined || (ids.get(id) ?? 0) < maxOfStranger

  /** The place of the next call: of strangers the first whose credential may use more; -1 for none. */
  const nextOf = (share: Share): number =>
    share.ids === undefined
      ? Math.min(share.waiting.length, 1) - 1
      : share.waiting.findIndex(({ id }) => mayUseMore(share, id))

  const take = (share: Share, id: string) => {
    free -= 1
    share.inUse += 1
    if (share.isJob) usedByJobs += 1
    if (share.isOfToken) usedByTokens += 1
    if (share.ids === undefined) return
    usedByStrangers += 1
    share.ids.set(id, (share.ids.get(id) ?? 0) + 1)
  }

  const ringOf = (share: Share) => (share.isStranger ? strangers : customers)

  const forgetIfIdle = (share: Share) => {
    if (share.waiting.length > 0) return
    ringOf(share).delete(share)
    if (share.inUse === 0) shares.delete(share.key)
  }

  const next = (): Share | undefined => {
    const rings = turn % STRANGERS_TURN === 0 ? [strangers, customers] : [customers, strangers]
    for (const ring of rings) {
      for (const share of ring) if (mayTake(share) && nextOf(share) >= 0) return share
    }
    return undefined
  }

  /** Gives the free slots to those who wait, each share in its turn. */
  const serve = () => {
    for (let share = next(); share; share = next()) {
      const [call] = share.waiting.splice(nextOf(share), 1)
      moveToEnd(ringOf(share), share)
      if (call?.signal.aborted) call.refuse(reasonOf(call.signal))
      else if (call) {
        turn += 1
        take(share, call.id)
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
    enter(who) {
      const share = shareOf(who)
      if (nextOf(share) >= 0 || !mayUseMore(share, who.id) || !mayTake(share)) return undefined
      take(share, who.id)
      return share
    },
    wait(who, patience) {
      const share = shareOf(who)
      const now = performance.now()
      if (isFull(share, who.id)) sweep(share, now)
      if (isFull(share, who.id) && !patience.isUrgent) return Promise.reject(tooMany(share))
      if (share.inUse === 0 && share.waiting.length === 0) share.blockedAt = now
      return new Promise((begin, refuse) => {
        share.waiting.push({ ...patience, id: who.id, since: now, begin, refuse })
        shares.set(who.share, share)
        ringOf(share).add(share)
        sweepLater()
      })
    },
    leave(share, id) {
      free += 1
      share.inUse -= 1
      if (share.isJob) usedByJobs -= 1
      if (share.isOfToken) usedByTokens -= 1
      if (share.ids !== undefined) {
        usedByStrangers -= 1
        const left = (share.ids.get(id) ?? 1) - 1
        if (left > 0) share.ids.set(id, left)
        else share.ids.delete(id)
      }
      if (share.inUse === 0) share.blockedAt = performance.now()
      forgetIfIdle(share)
      if (customers.size + strangers.size > 0) serve()
    },
    get isCrowdedByTokens() {
      return usedByTokens > slots / 2
    },
    get inFlight() {
      return slots - free
    },
    get waiting() {
      return [...customers, ...strangers].reduce((sum, { waiting }) => sum + waiting.length, 0)
    }
  }
}

/** Behind the others, if there are any. */
const moveToEnd = (ring: Set<Share>, share: Share) => {
  if (ring.size > 1 && ring.delete(share)) ring.add(share)
}

/** A credential of an address without a waiting call still gets a place, up to twice as many. */
const isFull = ({ ids, waiting, factor }: Share, id: string): boolean => {
  const max = MAX_WAITING * factor
  if (waiting.length < max) return false
  return ids === undefined || waiting.length >= 2 * max || waiting.some(call => call.id === id)
}

/** The shutdown's own problem, or that the caller has gone. */
const reasonOf = ({ reason }: StopSignal): Problem =>
  reason instanceof Problem ? reason : new Problem('overloaded', 'The caller has disconnected; nothing was sent.')

const overloaded = () =>
  new Problem('overloaded', 'Too many requests are waiting for HOSTKEY.', { retryAfterSeconds: 1 + Math.random() * 2 })

const tooMany = ({ factor }: Share) =>
  new Problem(
    'rate-limited',
    `More than ${MAX_IN_FLIGHT * factor} requests at the same time, and ${MAX_WAITING * factor} waiting, for the limit \`in-flight\`.`,
    { retryAfterSeconds: 1, limit: 'in-flight' }
  )
