import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Caller, isStranger } from '../../core/caller.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import type { LimitDecisions } from '../../observability/limit-decisions.ts'
import type { Count, Limit } from '../../store/store.ts'
import { andThen, hookOf } from '../hook.ts'
import { networkOf } from '../network.ts'
import { type CallerOperation, callerOperationOf, idempotencyKeyIn, operationOf, type RateClass } from '../operation.ts'
import { type Counters, limitKeyOf } from '../rate-limit-store.ts'
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
  /** Counts what each limit decides. */
  decisions: LimitDecisions
}

export interface AddressLimitOptions {
  limiter: Limiter
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
  bulk: [policy('bulk', 1 / 60)],
  usage: [policy('usage', 1 / 10)],
  key: [policy('key', 1 / 120, { isByCustomer: true })],
  presign: [policy('presign', 1 / 5, { isByCustomer: true })],
  order: [
    policy('order', 1 / 200, { isByCustomer: true }),
    policy('order-long', 1 / 60, { windows: 60, isByCustomer: true })
  ],
  check: [policy('check', 1 / 10)],
  tokens: [policy('tokens', 1 / 20, { isByCustomer: true })]
}

export const CALLER = policy('caller', 1)
/** Twice the limit of a caller: several callers may share one address. */
export const ADDRESS = policy('ip', 2)

/** A limit as it applies to a request. */
export interface AppliedLimit extends Limit {
  policy: Policy
  /** Whose limit it is. */
  owner: string
}

/** Which limits a request counts against, and the reports of what is left of them. */
export interface Limiter {
  /** @param factor of the limits of the request's credential; 1 when it is unknown or refused */
  ofAddress(request: FastifyRequest, factor: number): AppliedLimit
  /** One that all requests of a caller share, and those of the operation's class. */
  ofCaller(request: FastifyRequest, caller: Caller): AppliedLimit[]
  /** The same for a session, whose customer its record names: without the owner. */
  ofSession(request: FastifyRequest): AppliedLimit[]
  /** The limits by customer of the operation's class. */
  ofCustomer(request: FastifyRequest, owner: string): AppliedLimit[]
  counters: Counters
  decisions: LimitDecisions
}

export const createLimiter = ({ counters, maxima, windowMs, decisions }: LimitOptions): Limiter => {
  const apply = (policy: Policy, owner: string, factor: number, cost = 1): AppliedLimit => {
    const max = quotaOf(policy, maxima, factor)
    // A cost above the quota is lowered to it: the request would never be allowed.
    const by = Math.min(cost, max)
    return { policy, owner, key: limitKeyOf(policy.name, owner), by, windowMs: windowMs * policy.windows, max }
  }
  const ofOperation = (request: FastifyRequest, owner: string, factor: number, counts: (policy: Policy) => boolean) => {
    const operation = callerOperationOf(request)
    const limits = [apply(CALLER, owner, factor, operation.cost)]
    if (mayRepeat(operation, request)) return limits
    for (const policy of CLASSES[operation.rate]) {
      if (counts(policy)) limits.push(apply(policy, owner, factor))
    }
    return limits
  }
  return {
    counters,
    decisions,
    ofAddress(request, factor) {
      const network = networkOf(request)
      // Counted separately: a busy service must not use up the limit of others at its address.
      return apply(ADDRESS, factor === 1 ? network : `${network}*${factor}`, factor)
    },
    ofCaller(request, { id, share, limitFactor }) {
      // Tokens that HOSTKEY has not accepted have no counters of their own: made-up ones would fill the store. Their limits
      // by customer are counted once the customer is known.
      return isStranger(share)
        ? ofOperation(request, share, limitFactor, ({ isByCustomer }) => !isByCustomer)
        : ofOperation(request, id, limitFactor, ALL)
    },
    ofSession: request => ofOperation(request, '', 1, ALL),
    ofCustomer(request, owner) {
      const { limitFactor } = contextOf(request).caller
      return CLASSES[callerOperationOf(request).rate].map(policy => apply(policy, owner, limitFactor))
    }
  }
}

const ALL = () => true

/** 1 min: in it the audit log records once that a caller exceeds a concurrency limit. */
const CONCURRENCY_WINDOW_MS = 60_000

/**
 * The limit of an address, for operations without a caller; `authenticate` counts the others. Also counts the
 * requests that a concurrency limit refuses.
 */
export const limits = fp(
  async (app: FastifyInstance, { limiter, factorOf }: AddressLimitOptions) => {
    app.addHook(
      'onRequest',
      hookOf((request, reply) => {
        const { access, countsByAddress } = operationOf(request)
        if (access === 'caller' || !countsByAddress) return undefined
        return consume(limiter, reply, [limiter.ofAddress(request, factorOf(request))])
      })
    )
    app.addHook('onError', async (request, _reply, error) => {
      const name = isProblem(error) ? error.options.limit : undefined
      if (name === undefined) return
      decide(limiter.decisions, name, false)
      const limit: ExceededLimit = { name, key: contextOf(request).caller.share, ttlMs: CONCURRENCY_WINDOW_MS }
      request.setDecorator(EXCEEDED_LIMIT, limit)
    })
  },
  { name: 'limits' }
)

/** Counts a request against limits, and reports them. At once where the counters do. @throws Problem rate-limited */
export const consume = (
  { counters, decisions }: Limiter,
  reply: FastifyReply,
  applied: readonly AppliedLimit[]
): undefined | Promise<undefined> =>
  andThen(counters.count(applied), counts => report(decisions, reply, applied, counts))

/** May the request repeat another? Only one with an Idempotency-Key can. */
export const mayRepeat = (operation: CallerOperation, request: FastifyRequest): boolean =>
  operation.isRepetition !== undefined && idempotencyKeyIn(request) !== ''

/** Counts a decision of a limit. */
export const decide = (decisions: LimitDecisions, name: string, isAllowed: boolean): void => {
  const ofLimit = decisions.get(name)
  if (ofLimit) ofLimit[isAllowed ? 'allowed' : 'refused'] += 1
}

/**
 * Reports limits in the reply, as far as they were counted (draft-ietf-httpapi-ratelimit-headers).
 * @throws Problem rate-limited
 */
export const report = (
  decisions: LimitDecisions,
  reply: FastifyReply,
  applied: readonly Pick<AppliedLimit, 'policy' | 'owner' | 'max' | 'windowMs'>[],
  counts: readonly Count[]
): undefined => {
  let policies = ''
  let states = ''
  let exceeded: { limit: ExceededLimit; detail: string } | undefined
  for (const [index, { policy, owner, max, windowMs }] of applied.entries()) {
    const counted = counts[index]
    if (counted === undefined) break
    const { name } = policy
    decide(decisions, name, counted.count <= max)
    const windowSeconds = Math.ceil(windowMs / 1000)
    const leftSeconds = Math.ceil(counted.ttlMs / 1000)
    const separator = policies === '' ? '' : ', '
    policies += `${separator}"${name}";q=${max};w=${windowSeconds}`
    states += `${separator}"${name}";r=${Math.max(0, max - counted.count)};t=${leftSeconds}`
    if (counted.count > max) {
      const detail = `More than ${max} requests in ${windowSeconds} s for the limit \`${name}\`.`
      exceeded = { limit: { name, key: owner, ttlMs: leftSeconds * 1000 }, detail }
    }
  }
  append(reply, 'ratelimit-policy', policies)
  append(reply, 'ratelimit', states)
  if (exceeded === undefined) return
  reply.request.setDecorator(EXCEEDED_LIMIT, exceeded.limit)
  throw new Problem('rate-limited', exceeded.detail, { retryAfterSeconds: exceeded.limit.ttlMs / 1000 })
}

/** Appends to a list of structured fields (RFC 9651): one item for each limit that applies. */
const append = (reply: FastifyReply, name: string, items: string) => {
  const list = reply.getHeader(name)
  reply.header(name, list === undefined ? items : `${list}, ${items}`)
}
