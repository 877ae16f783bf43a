import type { components } from './generated/schema.ts'
import { isProblem } from './problem.ts'
import { isNetworkFailure, pause, pauseMs } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type NewOrder = components['schemas']['NewOrder']
export type Order = components['schemas']['Order']
export type CreatedAccount = components['schemas']['CreatedAccount']

export interface OrderOptions extends CallOptions {
  /** The key of an order that was begun before; without one a fresh key is made, for a fresh order. */
  idempotencyKey?: string | undefined
  /** So long the client asks for the outcome. */
  deadlineMs?: number | undefined
}

/** 2 min: after 30 s the gateway knows by default whether an order whose answer was lost was executed. */
const DEADLINE_MS = 120_000

const RETRY = { attempts: Number.POSITIVE_INFINITY, maxWaitMs: 10_000 }

/**
 * Nobody knows yet what became of the order: time ran out, or the caller stopped. Give `idempotencyKey` to the next
 * `order()` of the same plan and bucket: with another key it may bill twice.
 */
export class OrderUndecided extends Error {
  override readonly name = 'order-undecided'
  readonly idempotencyKey: string
  /** Names the order for `GET /orders/{orderId}`, where the gateway has told it. */
  readonly orderId: string | undefined

  constructor(idempotencyKey: string, orderId: string | undefined, cause: unknown) {
    super('What became of the order is not known yet.', { cause })
    this.idempotencyKey = idempotencyKey
    this.orderId = orderId
  }
}

/**
 * Orders a paid account, at most once: every repetition carries the same key and the same body.
 * @throws GatewayProblem when the order is refused; OrderUndecided
 */
export const placeOrder = async (send: Send, wanted: NewOrder, options: OrderOptions): Promise<CreatedAccount> => {
  const { idempotencyKey = freshKey(), deadlineMs = DEADLINE_MS, signal: stop } = options
  const endsAt = Date.now() + deadlineMs
  const deadline = AbortSignal.timeout(deadlineMs)
  const signal = stop ? AbortSignal.any([stop, deadline]) : deadline
  const params = { header: { 'idempotency-key': idempotencyKey } }
  // A copy: the gateway refuses the key for another body.
  const body = structuredClone(wanted)
  stop?.throwIfAborted()

  let orderId: string | undefined
  /** May an attempt have reached HOSTKEY? */
  let isOpen = false
  /** @returns the account, or nothing while the order stands open */
  const ask = async (): Promise<CreatedAccount | undefined> => {
    const { data, response } = await send('post', '/orders', { params, body, signal })
    if (response.status === 201) return data as CreatedAccount
    orderId = (data as Order).orderId
    isOpen = true
    return undefined
  }

  for (let next = 2; ; next++) {
    let failure: unknown
    try {
      const account = await ask()
      if (account) return account
    } catch (error) {
      failure = error
      if (leavesOpen(error)) isOpen = true
      if (signal.aborted || !mayHelp(error)) throw isOpen && !isAnswer(error) ? undecided(error) : error
    }
    const ms = pauseMs(failure, next, RETRY)
    // Nobody could ask again after it.
    if (Date.now() + ms >= endsAt) throw isOpen ? undecided(failure) : failure
    try {
      await pause(ms, signal)
      while (orderId !== undefined && (await stateOf(send, orderId, signal)) === 'pending') {
        await pause(pauseMs(undefined, next++, RETRY), signal)
      }
    } catch (error) {
      throw isOpen || failure === undefined ? undecided(error) : failure
    }
  }

  function undecided(cause: unknown) {
    return new OrderUndecided(idempotencyKey, orderId, cause)
  }
}

/** Reading it costs less than asking again; only asking again makes the gateway look. */
const stateOf = async (send: Send, orderId: string, signal: AbortSignal): Promise<Order['state'] | undefined> => {
  try {
    const { data } = await send('get', '/orders/{orderId}', { params: { path: { orderId } }, signal })
    return (data as Order).state
  } catch (error) {
    signal.throwIfAborted()
    if (!mayHelp(error)) throw error
    return undefined
  }
}

/** A recorded answer stays what it is; whatever else passes may be asked again with the same key. */
const mayHelp = (error: unknown): boolean =>
  isProblem(error) ? !error.isReplayed && (error.retryable || error.outcome === 'unknown') : isNetworkFailure(error)

const leavesOpen = (error: unknown): boolean =>
  isProblem(error) ? error.name === 'idempotency-in-progress' || error.outcome === 'unknown' : true

/** Does this say what became of the order? A door that is shut, or an edge that is busy, has not looked. */
const isAnswer = (error: unknown): boolean => isProblem(error) && !mayHelp(error) && ![401, 403].includes(error.status)

/** 128 random bits; unlike `randomUUID` also where a page is not served over https. */
const freshKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
