import type { components } from './generated/schema.ts'
import { isProblem } from './problem.ts'
import { isNetworkFailure, pause, pauseMs } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type NewOrder = components['schemas']['NewOrder']
export type Order = components['schemas']['Order']
export type CreatedAccount = components['schemas']['CreatedAccount']

export interface OrderOptions extends CallOptions {
  /** The key of an order that was started earlier. Default: a new key, for a new order. */
  idempotencyKey?: string | undefined
  /** How long the client asks for the outcome. Default 2 min. */
  deadlineMs?: number | undefined
}

/** 2 min: when the answer of HOSTKEY is lost, the gateway decides the outcome after 30 s by default. */
const DEADLINE_MS = 120_000

const RETRY = { attempts: Number.POSITIVE_INFINITY, maxWaitMs: 10_000 }

/**
 * The outcome of the order is not known yet: the deadline passed, or the caller aborted. Pass `idempotencyKey` to the
 * next `order()` of the same plan and bucket: another key may bill twice.
 */
export class OrderUndecided extends Error {
  override readonly name = 'order-undecided'
  readonly idempotencyKey: string
  /** For `GET /orders/{orderId}`; undefined when no reply named it. */
  readonly orderId: string | undefined

  constructor(idempotencyKey: string, orderId: string | undefined, cause: unknown) {
    super('The outcome of the order is not known yet.', { cause })
    this.idempotencyKey = idempotencyKey
    this.orderId = orderId
  }
}

/**
 * Orders a paid account at most once: every attempt carries the same key and the same body.
 * @throws GatewayProblem when the order is refused; OrderUndecided
 */
export const placeOrder = async (send: Send, order: NewOrder, options: OrderOptions): Promise<CreatedAccount> => {
  const { idempotencyKey = newKey(), deadlineMs = DEADLINE_MS, signal: callerSignal } = options
  const endsAt = Date.now() + deadlineMs
  const deadline = AbortSignal.timeout(deadlineMs)
  const signal = callerSignal ? AbortSignal.any([callerSignal, deadline]) : deadline
  const params = { header: { 'idempotency-key': idempotencyKey } }
  // A copy, in case the caller changes the object: the gateway refuses the key with another body.
  const body = structuredClone(order)
  callerSignal?.throwIfAborted()

  let orderId: string | undefined
  /** May an attempt have reached HOSTKEY? */
  let mayBeExecuted = false
  /** @returns the account; undefined while the order is pending */
  const attempt = async (): Promise<CreatedAccount | undefined> => {
    const { data, response } = await send('post', '/orders', { params, body, signal })
    if (response.status === 201) return data as CreatedAccount
    orderId = (data as Order).orderId
    mayBeExecuted = true
    return undefined
  }

  for (let next = 2; ; next++) {
    let failure: unknown
    try {
      const account = await attempt()
      if (account) return account
    } catch (error) {
      failure = error
      if (mayHaveReachedHostkey(error)) mayBeExecuted = true
      if (signal.aborted || !isRetryable(error)) throw mayBeExecuted && !isFinal(error) ? undecided(error) : error
    }
    const ms = pauseMs(failure, next, RETRY)
    // The deadline would pass during the pause.
    if (Date.now() + ms >= endsAt) throw mayBeExecuted ? undecided(failure) : failure
    try {
      await pause(ms, signal)
      while (orderId !== undefined && (await stateOf(send, orderId, signal)) === 'pending') {
        await pause(pauseMs(undefined, next++, RETRY), signal)
      }
    } catch (error) {
      throw mayBeExecuted || failure === undefined ? undecided(error) : failure
    }
  }

  function undecided(cause: unknown) {
    return new OrderUndecided(idempotencyKey, orderId, cause)
  }
}

/** Reading the state is cheaper than repeating the order; only repeating it makes the gateway check at HOSTKEY. */
const stateOf = async (send: Send, orderId: string, signal: AbortSignal): Promise<Order['state'] | undefined> => {
  try {
    const { data } = await send('get', '/orders/{orderId}', { params: { path: { orderId } }, signal })
    return (data as Order).state
  } catch (error) {
    signal.throwIfAborted()
    if (!isRetryable(error)) throw error
    return undefined
  }
}

/** May a repetition with the same key give another reply? A recorded reply never changes. */
const isRetryable = (error: unknown): boolean =>
  isProblem(error) ? !error.isReplayed && (error.retryable || error.outcome === 'unknown') : isNetworkFailure(error)

const mayHaveReachedHostkey = (error: unknown): boolean =>
  isProblem(error) ? error.name === 'idempotency-in-progress' || error.outcome === 'unknown' : true

/** Does this report the outcome of the order? 401 and 403 come from the edge, before the order is read. */
const isFinal = (error: unknown): boolean =>
  isProblem(error) && !isRetryable(error) && ![401, 403].includes(error.status)

/** 128 random bits. `randomUUID` exists only in pages served over https. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
