import type { components } from './generated/schema.ts'
import { isProblem } from './problem.ts'
import { isNetworkFailure, pause, pauseMs } from './retry.ts'
import type { CallOptions, Send } from './send.ts'

export type NewOrder = components['schemas']['NewOrder']
export type Order = components['schemas']['Order']

/** An order that has succeeded. */
export type PlacedOrder = Order & { s3uid: string }

export interface OrderOptions extends CallOptions {
  /** The key of an order that was started earlier. Default: a new key, for a new order. */
  idempotencyKey?: string | undefined
  /** How long the client asks for the outcome. Default 30 s. */
  deadlineMs?: number | undefined
}

/** 30 s: a person waits no longer. An order whose gateway has ended is taken over by another after 10 s by default. */
const DEADLINE_MS = 30_000

/** Pauses between requests without `Retry-After`. */
const RETRY = { attempts: Number.POSITIVE_INFINITY, maxWaitMs: 3000 }

/** 1 s: pause between two looks at an order on which the gateway works. */
const POLL_MS = 1000

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
 * Orders a paid account at most once: every attempt carries the same key and the same body, and counts once against the
 * limit of orders.
 * @throws GatewayProblem when the order is refused; OrderUndecided
 */
export const placeOrder = async (send: Send, order: NewOrder, options: OrderOptions): Promise<PlacedOrder> => {
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
  /** @returns the order; undefined while its outcome is open */
  const attempt = async (): Promise<PlacedOrder | undefined> => {
    const { data } = await send('post', '/orders', { params, body, signal })
    const { s3uid, ...rest } = data as Order
    if (s3uid !== undefined) return { ...rest, s3uid }
    orderId = rest.orderId
    mayBeExecuted = true
    return undefined
  }

  for (let next = 2; ; next++) {
    let failure: unknown
    try {
      const placed = await attempt()
      if (placed) return placed
    } catch (error) {
      failure = error
      if (mayHaveReachedHostkey(error)) mayBeExecuted = true
      if (signal.aborted || !isRetryable(error)) throw mayBeExecuted && !isFinal(error) ? undecided(error) : error
    }
    const inProgress = isProblem(failure, 'idempotency-in-progress') ? failure : undefined
    orderId ??= inProgress?.links['order']?.split('/').at(-1)
    const ms = pauseMs(failure, next, RETRY)
    // The deadline would pass during the pause.
    if (!inProgress && Date.now() + ms >= endsAt) throw mayBeExecuted ? undecided(failure) : failure
    try {
      await (inProgress && orderId !== undefined ? untilDecided(send, orderId, ms, signal) : pause(ms, signal))
    } catch (error) {
      throw mayBeExecuted || failure === undefined ? undecided(error) : failure
    }
  }

  function undecided(cause: unknown) {
    return new OrderUndecided(idempotencyKey, orderId, cause)
  }
}

/** Waits while another request works on the order, `ms` at most. To read the state is cheaper than to repeat the order. */
const untilDecided = async (send: Send, orderId: string, ms: number, signal: AbortSignal): Promise<void> => {
  const endsAt = Date.now() + ms
  do {
    await pause(Math.min(POLL_MS, Math.max(0, endsAt - Date.now())), signal)
    if ((await stateOf(send, orderId, signal)) !== 'pending') return
  } while (Date.now() < endsAt)
}

const stateOf = async (send: Send, orderId: string, signal: AbortSignal): Promise<Order['state']> => {
  try {
    const { data } = await send('get', '/orders/{orderId}', { params: { path: { orderId } }, signal })
    return (data as Order).state
  } catch (error) {
    signal.throwIfAborted()
    if (!isRetryable(error)) throw error
    return 'pending'
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
