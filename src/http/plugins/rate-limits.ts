import rateLimit, { type FastifyRateLimitStoreCtor, normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../../core/address.ts'
import { Problem } from '../../core/problem.ts'
import type { Store } from '../../store/index.ts'
import { limitStoreOf } from '../rate-limit-store.ts'
import { type ConsumeLogin, contextOf, needsOf, type RateClass } from '../route.ts'

export interface LimitOptions {
  store: Store
  /** Requests of one caller in a window; the other limits are fractions of it. */
  max: number
  windowMs: number
}

export interface AddressLimitOptions extends LimitOptions {
  /** How many times the usual limit the credential of a request may draw; 1 for most and for what is not accepted. */
  factorOf: (request: FastifyRequest) => number
  /** How many replicas share the store: while it is away each lets its part pass. */
  replicasHint: number
}

/** One limit: a share of `max` in a number of windows. */
export interface Policy {
  name: string
  share: number
  windows: number
}

const policy = (name: string, share: number, windows = 1): Policy => ({ name, share, windows })

/** Requests that a share of a limit leaves: at least one. */
export const mostOf = (share: number, max: number): number => Math.max(1, Math.floor(max * share))

/** What each class draws from beside the limit that all requests of a caller share (RELIABILITY 4.7). */
export const CLASSES: Record<RateClass, readonly Policy[]> = {
  read: [],
  write: [policy('write', 1 / 10)],
  delete: [policy('delete', 1 / 10)],
  usage: [policy('usage', 1 / 10)],
  key: [policy('key', 1 / 120)],
  order: [policy('order', 1 / 200), policy('order-long', 1 / 60, 60)]
}

export const CALLER = policy('caller', 1)
/** Several callers may come from one address. */
export const ADDRESS = policy('ip', 2)
export const LOGIN_ADDRESS = policy('login', 1 / 120)
export const LOGIN_CREDENTIAL = policy('login-credential', 1 / 60, 60)

/** Neighbours in one IPv6 network are one address: a single host has as many as it likes. */
const IPV6_SUBNET = 64

/** The name under which the application finds what draws from the limits of logins. */
export const CONSUME_LOGIN = 'consumeLogin'

/** Limits by address, for every request. `limitCallers` adds those by caller. */
export const limits = fp(
  async (app: FastifyInstance, { store, max, windowMs, factorOf, replicasHint }: AddressLimitOptions) => {
    await app.register(rateLimit, {
      global: false,
      // The plugin names no type for its store's options; ours takes what it hands over.
      store: limitStoreOf(store, replicasHint) as unknown as FastifyRateLimitStoreCtor
    })
    const draw = createConsume(app, { max, windowMs })
    app.addHook('onRequest', (request, reply) => {
      const factor = factorOf(request)
      // Counted apart: a busy service must not use up what others at its address have.
      const key = factor === 1 ? networkOf(request) : `${networkOf(request)}*${factor}`
      return draw(ADDRESS, { key, factor, cost: 1 }, reply, request)
    })
    app.decorate(CONSUME_LOGIN, (async (request, reply, credentialHash) => {
      await draw(LOGIN_ADDRESS, { key: networkOf(request), factor: 1, cost: 1 }, reply, request)
      await draw(LOGIN_CREDENTIAL, { key: credentialHash, factor: 1, cost: 1 }, reply, request)
    }) satisfies ConsumeLogin)
  },
  { name: 'limits' }
)

/** Limits by caller: one that all its requests share, and those of the operation's class. */
export const limitCallers = fp(
  async (app: FastifyInstance, { max, windowMs }: LimitOptions) => {
    const draw = createConsume(app, { max, windowMs })
    app.addHook('onRequest', async (request, reply) => {
      const { id: key, limitFactor: factor } = contextOf(request).caller
      const { rate, cost } = needsOf(request.routeOptions.config) ?? { rate: 'read', cost: 1 }
      await draw(CALLER, { key, factor, cost }, reply, request)
      for (const policy of CLASSES[rate]) await draw(policy, { key, factor, cost: 1 }, reply, request)
    })
  },
  { name: 'limit-callers' }
)

const networkOf = (request: FastifyRequest): string => normalizeIP(addressOf(request), IPV6_SUBNET)

interface Draw {
  key: string
  factor: number
  cost: number
}

/**
 * Makes the function that draws from a limit and says in the headers what is left (draft-ietf-httpapi-ratelimit-headers).
 * The plugin's limiters are made once for each policy, factor and cost, of which there are few.
 */
const createConsume = (app: FastifyInstance, { max, windowMs }: { max: number; windowMs: number }) => {
  const keys = new WeakMap<FastifyRequest, string>()
  const limiters = new Map<string, ReturnType<FastifyInstance['createRateLimit']>>()
  const limiterOf = ({ name, share, windows }: Policy, { factor, cost }: Draw) => {
    const id = `${name}/${factor}/${cost}`
    const most = mostOf(share, max * factor)
    const limiter =
      limiters.get(id) ??
      app.createRateLimit({
        max: most,
        timeWindow: windowMs * windows,
        keyGenerator: request => keys.get(request) ?? '',
        // Handed on to our store. What costs more than there is at all would never be possible.
        ...{ bucket: name, cost: Math.min(cost, most) }
      })
    limiters.set(id, limiter)
    return limiter
  }

  return async (policy: Policy, drawing: Draw, reply: FastifyReply, request: FastifyRequest): Promise<void> => {
    keys.set(request, drawing.key)
    const drawn = await limiterOf(policy, drawing)(request)
    if (drawn.isAllowed) return
    const { max, timeWindow, remaining, ttlInSeconds, isExceeded } = drawn
    const windowSeconds = Math.ceil(timeWindow / 1000)
    append(reply, 'ratelimit-policy', `"${policy.name}";q=${max};w=${windowSeconds}`)
    append(reply, 'ratelimit', `"${policy.name}";r=${remaining};t=${ttlInSeconds}`)
    if (!isExceeded) return
    throw new Problem('rate-limited', `More than ${max} in ${windowSeconds} s for \`${policy.name}\`.`, {
      retryAfterSeconds: ttlInSeconds
    })
  }
}

/** A list of structured fields: one item for each limit that was drawn from. */
const append = (reply: FastifyReply, name: string, item: string) => {
  const before = reply.getHeader(name)
  reply.header(name, before === undefined ? item : `${before}, ${item}`)
}
