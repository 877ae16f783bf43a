import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Pressure } from '../pressure.ts'
import { Problem } from '../problem.ts'
import { needsOf, type RateClass } from '../route.ts'

export interface SheddingOptions {
  pressure: Pressure
}

/** The event-loop delay beyond which each class is sent away: what can wait goes first (RELIABILITY 4.3). */
const BEYOND_MS: Record<RateClass, number> = { usage: 350, read: 500, key: 500, write: 750, delete: 750, order: 750 }
const PLANS_BEYOND_MS = 250
const DOCS_BEYOND_MS = 250
const LOGIN_BEYOND_MS = 1000

/** Sends requests away, least important first, so that those that are served are served in time. */
export const shedding = fp(
  async (app: FastifyInstance, { pressure }: SheddingOptions) => {
    app.addHook('onRequest', async request => {
      if (pressure.delayMs <= thresholdOf(request)) return
      throw new Problem('overloaded', 'The gateway is overloaded.', { retryAfterSeconds: 1 + Math.random() * 2 })
    })
  },
  { name: 'shedding' }
)

/** Logout and probes are never sent away. */
const thresholdOf = (request: FastifyRequest): number => {
  const { url = '' } = request.routeOptions
  const needed = needsOf(request.routeOptions.config)
  if (needed?.scope === 'plans:read') return PLANS_BEYOND_MS
  if (needed) return BEYOND_MS[needed.rate]
  if (request.method === 'POST' && url.endsWith('/session')) return LOGIN_BEYOND_MS
  return url.includes('/docs') ? DOCS_BEYOND_MS : Number.POSITIVE_INFINITY
}
