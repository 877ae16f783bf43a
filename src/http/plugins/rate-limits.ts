import rateLimit, { type FastifyRateLimitStoreCtor, normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../../core/address.ts'
import { Problem } from '../../core/problem.ts'
import type { Store } from '../../store/index.ts'
import { callerOperationOf, type RateClass } from '../operation.ts'
import { limitStoreOf } from '../rate-limit-store.ts'
import { type ConsumeLogin, contextOf } from '../route.ts'

export interface LimitOptions {
  store: Store
  /** Requests of one caller in a window; the other limits are fractions of it. */
  max: number
  windowMs: number
}

export interface AddressLimitOptions extends LimitOptions {
  /** The limit of the request's credential as a multiple of the usual one; 1 when it is unknown or refused. */
  factorOf: (request: FastifyRequest) => number
  /** How many replicas share the store: while it is down each grants its share. */
  replicasHint: number
}

/** One limit: a share of `max` in a number of windows. */
export interface Policy {
  name: string
  share: number
  windows: number
}

const policy = (name: string, share: number, windows = 1): Policy => ({ name, share, windows })

/** The quota of a share of a limit: at least one request. */
export const quotaOf = (share: number, max: number): number => Math.max(1, Math.floor(max * share))

/** The limits of each class, beside the one that all requests of a caller share. */
export const CLASSES: Record<RateClass, readonly Policy[]> = {
  read: [],
  write: [policy('write', 1 / 10)],
  delete: [policy('delete', 1 / 10)],
  usage: [policy('usage', 1 / 10)],
  key: [policy('key', 1 / 120)],
  order: [policy('order', 1 / 200), policy('order-long', 1 / 60, 60)]
}

export const CALLER = policy('caller', 1)
/** Twice the limit of a caller: several callers may share one address. */
export const ADDRESS = policy('ip', 2)
export const LOGIN_ADDRESS = policy('login', 1 / 120)
export const LOGIN_CREDENTIAL = policy('login-credential', 1 / 60, 60)

/** An IPv6 network of this size counts as one address: a single host may use all of its addresses. */
const IPV6_SUBNET = 64

/** The name of the decorator that counts logins. */
export const CONSUME_LOGIN = 'consumeLogin'

/** Limits by address, for every request. `limitCallers` adds those by caller. */
export const limits = fp(
  async (app: FastifyInstance, { store, max, windowMs, factorOf, replicasHint }: AddressLimitOptions) => {
    await app.register(rateLimit, {
      global: false,
      // The plugin names no type for its store's options; ours takes what it hands over.
      store: limitStoreOf(store, replicasHint) as unknown as FastifyRateLimitStoreCtor
    })
    const consume = createConsume(app, { max, windowMs })
    app.addHook('onRequest', (request, reply) => {
      const factor = factorOf(request)
      // Counted separately: a busy service must not use up the limit of others at its address.
      const key = factor === 1 ? networkOf(request) : `${networkOf(request)}*${factor}`
      return consume(ADDRESS, { key, factor, cost: 1 }, reply, request)
    })
    app.decorate(CONSUME_LOGIN, (async (request, reply, credentialHash) => {
      await consume(LOGIN_ADDRESS, { key: networkOf(request), factor: 1, cost: 1 }, reply, request)
      await consume(LOGIN_CREDENTIAL, { key: credentialHash, factor: 1, cost: 1 }, reply, request)
    }) satisfies ConsumeLogin)
  },
  { name: 'limits' }
)

/** Limits by caller: one that all its requests share, and those of the operation's class. */
export const limitCallers = fp(
  async (app: FastifyInstance, { max, windowMs }: LimitOptions) => {
    const consume = createConsume(app, { max, windowMs })
    app.addHook('onRequest', async (request, reply) => {
      const { id: key, limitFactor: factor } = contextOf(request).caller
      const { rate, cost } = callerOperationOf(request)
      await consume(CALLER, { key, factor, cost }, reply, request)
      for (const policy of CLASSES[rate]) await consume(policy, { key, factor, cost: 1 }, reply, request)
    })
  },
  { name: 'limit-callers' }
)

const networkOf = (request: FastifyRequest): string => normalizeIP(addressOf(request), IPV6_SUBNET)

/** Whose limit, how many times the usual one it is, and how much of it is used. */
interface Consumption {
  key: string
  factor: number
  cost: number
}

/**
 * Makes the function that counts a request against a limit and sends what is left (draft-ietf-httpapi-ratelimit-headers).
 * The plugin's limiters are made once for each policy, factor and cost, of which there are few.
 */
const createConsume = (app: FastifyInstance, { max, windowMs }: { max: number; windowMs: number }) => {
  const keys = new WeakMap<FastifyRequest, string>()
  const limiters = new Map<string, ReturnType<FastifyInstance['createRateLimit']>>()
  const limiterOf = ({ name, share, windows }: Policy, { factor, cost }: Consumption) => {
    const id = `${name}/${factor}/${cost}`
    const quota = quotaOf(share, max * factor)
    const limiter =
      limiters.get(id) ??
      app.createRateLimit({
        max: quota,
        timeWindow: windowMs * windows,
        keyGenerator: request => keys.get(request) ?? '',
        // Passed on to our store. A cost above the quota is lowered to it: the request would never be allowed.
        ...{ bucket: name, cost: Math.min(cost, quota) }
      })
    limiters.set(id, limiter)
    return limiter
  }

  return async (
    policy: Policy,
    consumption: Consumption,
    reply: FastifyReply,
    request: FastifyRequest
  ): Promise<void> => {
    keys.set(request, consumption.key)
    const state = await limiterOf(policy, consumption)(request)
    if (state.isAllowed) return
    const { max, timeWindow, remaining, ttlInSeconds, isExceeded } = state
    const windowSeconds = Math.ceil(timeWindow / 1000)
    append(reply, 'ratelimit-policy', `"${policy.name}";q=${max};w=${windowSeconds}`)
    append(reply, 'ratelimit', `"${policy.name}";r=${remaining};t=${ttlInSeconds}`)
    if (!isExceeded) return
    throw new Problem(
      'rate-limited',
      `More than ${max} requests in ${windowSeconds} s for the limit \`${policy.name}\`.`,
      {
        retryAfterSeconds: ttlInSeconds
      }
    )
  }
}

/** Appends to a list of structured fields (RFC 9651): one item for each limit that applies. */
const append = (reply: FastifyReply, name: string, item: string) => {
  const list = reply.getHeader(name)
  reply.header(name, list === undefined ? item : `${list}, ${item}`)
}
