import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'
import { errandOf, needsOf, type RateClass } from '../route.ts'

export interface LimitOptions {
  /** Requests of one caller in a window; the stricter classes are fractions of it. */
  max: number
  windowMs: number
}

/** Share of `max` that each class grants, beside the limit that all requests of a caller share. */
const SHARES: Record<RateClass, number> = { read: 1, write: 1 / 10, delete: 1 / 10, key: 1 / 120, order: 1 / 200, usage: 1 / 10 }

/** Several callers may come from one address. */
const IP_SHARE = 2

type Limiter = ReturnType<FastifyInstance['createRateLimit']>

/** Limits by address, for every request. `limitCallers` adds those by caller. */
export const limits = fp(
  async (app: FastifyInstance, { max, windowMs }: LimitOptions) => {
    await app.register(rateLimit, { global: false, max, timeWindow: windowMs })
    const byIp = app.createRateLimit({ max: max * IP_SHARE, timeWindow: windowMs, keyGenerator: request => request.ip })
    app.addHook('onRequest', async (request, reply) => draw('ip', byIp, request, reply))
  },
  { name: 'limits' }
)

/** Limits by caller: one that all its requests share, and one for each class that is stricter. */
export const limitCallers = fp(
  async (app: FastifyInstance, { max, windowMs }: LimitOptions) => {
    const keyGenerator = (request: FastifyRequest) => errandOf(request).caller.id
    const limiters = Object.fromEntries(
      Object.entries(SHARES).map(([name, share]) => [
        name,
        app.createRateLimit({ max: Math.max(1, Math.floor(max * share)), timeWindow: windowMs, keyGenerator })
      ])
    )
    app.addHook('onRequest', async (request, reply) => {
      await draw('caller', limiters['read'], request, reply)
      const rate = needsOf(request.routeOptions.config)?.rate ?? 'read'
      if (rate !== 'read') await draw(rate, limiters[rate], request, reply)
    })
  },
  { name: 'limit-callers' }
)

/**
 * Takes one request from a limit and says in the headers what is left (draft-ietf-httpapi-ratelimit-headers).
 * @throws Problem rate-limited
 */
const draw = async (policy: string, limiter: Limiter | undefined, request: FastifyRequest, reply: FastifyReply) => {
  const drawn = await limiter?.(request)
  if (!drawn || drawn.isAllowed) return
  const { max, timeWindow, remaining, ttlInSeconds, isExceeded } = drawn
  reply.header('ratelimit-policy', `"${policy}";q=${max};w=${Math.ceil(timeWindow / 1000)}`)
  reply.header('ratelimit', `"${policy}";r=${remaining};t=${ttlInSeconds}`)
  if (!isExceeded) return
  throw new Problem('rate-limited', `More than ${max} requests in ${Math.ceil(timeWindow / 1000)} s.`, {
    retryAfterSeconds: ttlInSeconds
  })
}
