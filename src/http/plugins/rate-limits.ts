import { isIPv6 } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Address6 } from 'ip-address'
import { addressOf } from '../../core/address.ts'
import { Problem } from '../../core/problem.ts'
import type { Store } from '../../store/index.ts'
import { callerOperationOf, type RateClass } from '../operation.ts'
import { createLimitCounters } from '../rate-limit-counters.ts'
import { type ConsumeLogin, contextOf } from '../route.ts'

export interface LimitOptions {
  store: Store
  /** Requests of one caller in a window; the other limits are fractions of it. */
  max: number
  windowMs: number
  /** How many replicas share the store: while it is down each grants its share. */
  replicasHint: number
}

export interface AddressLimitOptions {
  consume: Consume
  /** The limit of the request's credential as a multiple of the usual one; 1 when it is unknown or refused. */
  factorOf: (request: FastifyRequest) => number
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
  async (app: FastifyInstance, { consume, factorOf }: AddressLimitOptions) => {
    app.addHook('onRequest', (request, reply) => {
      const factor = factorOf(request)
      // Counted separately: a busy service must not use up the limit of others at its address.
      const key = factor === 1 ? networkOf(request) : `${networkOf(request)}*${factor}`
      return consume(ADDRESS, { key, factor, cost: 1 }, reply)
    })
    app.decorate(CONSUME_LOGIN, (async (request, reply, credentialHash) => {
      await consume(LOGIN_ADDRESS, { key: networkOf(request), factor: 1, cost: 1 }, reply)
      await consume(LOGIN_CREDENTIAL, { key: credentialHash, factor: 1, cost: 1 }, reply)
    }) satisfies ConsumeLogin)
  },
  { name: 'limits' }
)

/** Limits by caller: one that all its requests share, and those of the operation's class. */
export const limitCallers = fp(
  async (app: FastifyInstance, { consume }: { consume: Consume }) => {
    app.addHook('onRequest', async (request, reply) => {
      const { id: key, limitFactor: factor } = contextOf(request).caller
      const { rate, cost } = callerOperationOf(request)
      await consume(CALLER, { key, factor, cost }, reply)
      for (const policy of CLASSES[rate]) await consume(policy, { key, factor, cost: 1 }, reply)
    })
  },
  { name: 'limit-callers' }
)

/** The address that is counted: an IPv4 address in whichever form, or the network of an IPv6 address. */
const networkOf = (request: FastifyRequest): string => {
  const ip = addressOf(request)
  if (!isIPv6(ip)) return ip
  const address = new Address6(ip)
  const counted = address.isMapped4() ? address.to4() : new Address6(`${ip}/${IPV6_SUBNET}`).startAddress()
  return counted.correctForm()
}

/** Whose limit, how many times the usual one it is, and how much of it is used. */
interface Consumption {
  key: string
  factor: number
  cost: number
}

/**
 * Counts a request against a limit and sends what is left (draft-ietf-httpapi-ratelimit-headers).
 * @throws Problem rate-limited
 */
export type Consume = (policy: Policy, consumption: Consumption, reply: FastifyReply) => Promise<void>

export const createConsume = ({ store, max, windowMs, replicasHint }: LimitOptions): Consume => {
  const counters = createLimitCounters(store, replicasHint)
  return async ({ name, share, windows }, { key, factor, cost }, reply) => {
    const quota = quotaOf(share, max * factor)
    const { count, ttlMs } = await counters.increment(`limit:${name}:${key}`, cost, {
      quota,
      windowMs: windowMs * windows
    })
    const windowSeconds = Math.ceil((windowMs * windows) / 1000)
    const retryAfterSeconds = Math.ceil(ttlMs / 1000)
    append(reply, 'ratelimit-policy', `"${name}";q=${quota};w=${windowSeconds}`)
    append(reply, 'ratelimit', `"${name}";r=${Math.max(0, quota - count)};t=${retryAfterSeconds}`)
    if (count <= quota) return
    const detail = `More than ${quota} requests in ${windowSeconds} s for the limit \`${name}\`.`
    throw new Problem('rate-limited', detail, { retryAfterSeconds })
  }
}

/** Appends to a list of structured fields (RFC 9651): one item for each limit that applies. */
const append = (reply: FastifyReply, name: string, item: string) => {
  const list = reply.getHeader(name)
  reply.header(name, list === undefined ? item : `${list}, ${item}`)
}
