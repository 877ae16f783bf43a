import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Caller, isStranger } from '../../core/caller.ts'
import { note } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { Count } from '../../store/store.ts'
import { hookOf } from '../hook.ts'
import { networkOf } from '../network.ts'
import {
  type CallerOperation,
  callerOperationOf,
  idempotencyKeyIn,
  operationIn,
  operationOf,
  type RateClass
} from '../operation.ts'
import type { Counters } from '../rate-limit-store.ts'
import { contextOf } from '../route.ts'
import { EXCEEDED_LIMIT, type ExceededLimit } from './audit.ts'

/** The limits that are settings, in requests a window; the others are fractions of `all`. */
export interface Maxima {
  /** All requests of one caller. */
  all: number
  /** Limits with a setting of their own; undefined: a fraction of `all` too. */
  delete?: number | undefined
  login?: number | undefined
}

export interface LimitOptions {
  counters: Counters
  maxima: Maxima
  windowMs: number
}

export interface AddressLimitOptions extends LimitOptions {
  /** The limit of the request's credential as a multiple of the usual one; 1 when it is unknown or refused. */
  factorOf: (request: FastifyRequest) => number
}

/** One limit: a share of the requests of a caller, in a number of windows. */
export interface Policy {
  name: string
  share: number
  windows: number
  /** The setting that replaces the share, if it is set: the limit is a multiple of it. */
  setting: 'delete' | 'login' | undefined
  /** Has a customer one quota, however many tokens it has? */
  isByCustomer: boolean
}

/** Share of `all` of the limit that a setting replaces. */
const SHARE_OF = { delete: 1 / 10, login: 1 / 120 } as const

export const policy = (
  name: string,
  share: number,
  { windows = 1, setting, isByCustomer = false }: Partial<Policy> = {}
): Policy => ({ name, share, windows, setting, isByCustomer })

/** The quota of a limit: at least one request. @param factor of the caller */
export const quotaOf = ({ share, setting }: Policy, maxima: Maxima, factor = 1): number => {
  const own = setting && maxima[setting]
  const quota = setting === undefined || own === undefined ? maxima.all * share : (own * share) / SHARE_OF[setting]
  return Math.max(1, Math.floor(quota * factor + ROUNDING))
}

/** 5 / 120 * 120 is less than 5. */
const ROUNDING = 1e-9

/** The limits of each class, beside the one that all requests of a caller share. */
export const CLASSES: Record<RateClass, readonly Policy[]> = {
  read: [],
  write: [policy('write', 1 / 10)],
  delete: [policy('delete', 1 / 10, { setting: 'delete' })],
  usage: [policy('usage', 1 / 10)],
  key: [policy('key', 1 / 120, { isByCustomer: true })],
  order: [
    policy('order', 1 / 200, { isByCustomer: true }),
    policy('order-long', 1 / 60, { windows: 60, isByCustomer: true })
  ],
  check: [policy('check', 1 / 10)]
}

export const CALLER = policy('caller', 1)
/** Twice the limit of a caller: several callers may share one address. */
export const ADDRESS = policy('ip', 2)

/** Limits by address, for every request but a probe. `limitCallers` adds those by caller. */
export const limits = fp(
  async (app: FastifyInstance, { factorOf, ...options }: AddressLimitOptions) => {
    const consume = createConsume(options)
    app.addHook(
      'onRequest',
      hookOf((request, reply) => {
        if (!operationOf(request).countsByAddress) return undefined
        const factor = factorOf(request)
        // Counted separately: a busy service must not use up the limit of others at its address.
        const key = factor === 1 ? networkOf(request) : `${networkOf(request)}*${factor}`
        return consume(ADDRESS, { key, factor, cost: 1 }, reply)
      })
    )
  },
  { name: 'limits' }
)

/**
 * Limits by caller: one that all its requests share, and those of the operation's class. The customer of a token, and
 * whether a request repeats another, are asked for after the validation: HOSTKEY is not called for an invalid request.
 */
export const limitCallers = fp(
  async (app: FastifyInstance, options: LimitOptions) => {
    const consume = createConsume(options)
    /** One after the other: what is refused counts against no further limit. */
    const consumeAll = (
      [first, ...others]: readonly CountedPolicy[],
      caller: Omit<Consumption, 'cost'>,
      reply: FastifyReply
    ): undefined | Promise<void> => {
      if (first === undefined) return undefined
      const [policy, cost] = first
      const waiting = consume(policy, { ...caller, cost }, reply)
      return waiting === undefined
        ? consumeAll(others, caller, reply)
        : waiting.then(() => consumeAll(others, caller, reply))
    }
    /** Counts the first request of an accepted token against its own limits too. */
    const countAgain = ({ id, share }: Caller, policies: readonly CountedPolicy[]) => {
      if (isStranger(share)) return
      const { counters, maxima, windowMs } = options
      for (const [policy, by] of policies) {
        const max = quotaOf(policy, maxima)
        void counters.count({ bucket: policy.name, key: id, by, windowMs: windowMs * policy.windows, max })
      }
    }
    app.addHook(
      'onRequest',
      hookOf((request, reply) => {
        const { caller } = contextOf(request)
        const { id, share, limitFactor: factor } = caller
        const operation = callerOperationOf(request)
        // Tokens that HOSTKEY has not accepted have no counters of their own: made-up ones would fill the store.
        const key = isStranger(share) ? share : id
        const ofClass = mayRepeat(operation, request) ? [] : CLASSES[rateOf(operation, request)]
        // Those by customer are counted once the customer is known.
        const policies = key === id ? ofClass : ofClass.filter(({ isByCustomer }) => !isByCustomer)
        const counted: CountedPolicy[] = [
          [CALLER, operation.cost],
          ...policies.map((policy): CountedPolicy => [policy, 1])
        ]
        if (key !== id) reply.raw.once('finish', () => countAgain(caller, counted))
        return consumeAll(counted, { key, factor }, reply)
      })
    )
    const limitCustomer = async (request: FastifyRequest, reply: FastifyReply) => {
      const { caller } = contextOf(request)
      const operation = callerOperationOf(request)
      const isDeferred = mayRepeat(operation, request)
      // The other requests have been counted above: by token, or by the customer itself.
      if (isDryRun(operation, request) || (!isDeferred && caller.authScheme !== 'bearer')) return
      if (isDeferred && (await operation.isRepetition?.(request))) return
      const key = await customerOf(request)
      for (const policy of CLASSES[operation.rate]) {
        if (!isDeferred) withdraw(policy, reply)
        await consume(policy, { key, factor: caller.limitFactor, cost: 1 }, reply)
      }
    }
    app.addHook('onRoute', route => {
      const operation = operationIn(route.config)
      if (operation.access === 'open' || !CLASSES[operation.rate].some(({ isByCustomer }) => isByCustomer)) return
      route.preHandler = [limitCustomer, ...[route.preHandler ?? []].flat()]
    })
  },
  { name: 'limit-callers' }
)

const isDryRun = ({ dryRun }: CallerOperation, request: FastifyRequest): boolean =>
  dryRun?.isRequested(request) ?? false

const rateOf = (operation: CallerOperation, request: FastifyRequest): RateClass =>
  operation.dryRun && isDryRun(operation, request) ? operation.dryRun.rate : operation.rate

/** May the request repeat another? Only one with an Idempotency-Key can. */
const mayRepeat = (operation: CallerOperation, request: FastifyRequest): boolean =>
  operation.isRepetition !== undefined && idempotencyKeyIn(request) !== '' && !isDryRun(operation, request)

/**
 * Whose limit a request counts against: the customer of the token. HOSTKEY is asked for it, once a minute for each token.
 * A service has limits of its own, from the registry. A token whose customer HOSTKEY does not tell shares the quota of all
 * such tokens in its network.
 * @throws Problem invalid-token
 */
const customerOf = async (request: FastifyRequest): Promise<string> => {
  const context = contextOf(request)
  const { caller } = context
  if (caller.authScheme !== 'bearer') return caller.id
  try {
    // An order has the look-ups for orders.
    const { customerId } = await caller.identity(callerOperationOf(request).rate === 'order' ? 'order' : undefined)
    note(context, { customerId })
    if (customerId !== undefined) return `customer:${customerId}`
    request.log.warn({ reason: 'HOSTKEY names no customer' }, CUSTOMER_UNKNOWN)
  } catch (error) {
    if (!isProblem(error)) throw error
    request.log.warn({ reason: error.problem }, CUSTOMER_UNKNOWN)
  }
  return `unknown:${networkOf(request)}`
}

const CUSTOMER_UNKNOWN = 'the customer of a token is not known; its network is limited instead'

/** Whose limit, how many times the usual one it is, and how much of it is used. */
interface Consumption {
  key: string
  factor: number
  cost: number
}

/** A limit, and how much of it a request uses. */
type CountedPolicy = readonly [Policy, cost: number]

/** Counts a request against a limit, and sends what is left. Waits only where the counters do. */
type Consume = (policy: Policy, consumption: Consumption, reply: FastifyReply) => undefined | Promise<void>

const createConsume =
  ({ counters, maxima, windowMs: oneWindowMs }: LimitOptions): Consume =>
  (policy, { key, factor, cost }, reply) => {
    const max = quotaOf(policy, maxima, factor)
    const windowMs = oneWindowMs * policy.windows
    // A cost above the quota is lowered to it: the request would never be allowed.
    const counted = counters.count({ bucket: policy.name, key, by: Math.min(cost, max), windowMs, max })
    if (counted instanceof Promise)
      return counted.then(count => assertWithin(policy, { count, max, windowMs, key }, reply))
    assertWithin(policy, { count: counted, max, windowMs, key }, reply)
    return undefined
  }

/** The state of a limit. */
export interface LimitState {
  count: Count
  max: number
  /** Length of the window. */
  windowMs: number
  /** Whose limit it is. */
  key: string
}

/** Reports a limit in the reply (draft-ietf-httpapi-ratelimit-headers). @throws Problem rate-limited */
export const assertWithin = (policy: Policy, { count, max, windowMs, key }: LimitState, reply: FastifyReply): void => {
  const windowSeconds = Math.ceil(windowMs / 1000)
  const leftSeconds = Math.ceil(count.ttlMs / 1000)
  append(reply, 'ratelimit-policy', `"${policy.name}";q=${max};w=${windowSeconds}`)
  append(reply, 'ratelimit', `"${policy.name}";r=${Math.max(0, max - count.count)};t=${leftSeconds}`)
  if (count.count <= max) return
  const exceeded: ExceededLimit = { name: policy.name, key, ttlMs: leftSeconds * 1000 }
  reply.request.setDecorator(EXCEEDED_LIMIT, exceeded)
  throw new Problem(
    'rate-limited',
    `More than ${max} requests in ${windowSeconds} s for the limit \`${policy.name}\`.`,
    { retryAfterSeconds: leftSeconds }
  )
}

/** Appends to a list of structured fields (RFC 9651): one item for each limit that applies. */
const append = (reply: FastifyReply, name: string, item: string) => {
  const list = reply.getHeader(name)
  reply.header(name, list === undefined ? item : `${list}, ${item}`)
}

/** Removes the items of a limit that is counted again, for the customer. */
const withdraw = ({ name: policy }: Policy, reply: FastifyReply) => {
  for (const name of ['ratelimit-policy', 'ratelimit']) {
    const items = String(reply.getHeader(name)).split(', ')
    reply.header(name, items.filter(item => !item.startsWith(`"${policy}";`)).join(', '))
  }
}
