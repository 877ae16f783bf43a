import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../core/problem.ts'
import type { Pressure } from '../pressure.ts'
import { needsOf, type RateClass } from '../route.ts'

/** From which level of pressure requests of a class are sent away: what can wait goes first (RELIABILITY 4.3). */
const GOES_AT: Record<RateClass, number> = { usage: 2, read: 3, key: 3, write: 4, delete: 4, order: 4 }
const DOCS_AND_PLANS_GO_AT = 1
const LOGIN_GOES_AT = 5

/** At the highest level only logouts and probes are served. */
export const MAX_PRESSURE = LOGIN_GOES_AT

/** Sends requests away, least important first, so that those that are served are served in time. */
export const shedding = fp(
  async (app: FastifyInstance, { pressure }: { pressure: Pick<Pressure, 'level'> }) => {
    app.addHook('onRequest', async request => {
      if (pressure.level < levelOf(request)) return
      throw new Problem('overloaded', 'The gateway has more to do than it can.', {
        retryAfterSeconds: 1 + Math.random() * 2
      })
    })
  },
  { name: 'shedding' }
)

const levelOf = (request: FastifyRequest): number => {
  const { url = '', config } = request.routeOptions
  const needed = needsOf(config)
  if (needed?.scope === 'plans:read') return DOCS_AND_PLANS_GO_AT
  if (needed && !isLogout(request)) return GOES_AT[needed.rate]
  if (url.endsWith('/session') && request.method === 'POST') return LOGIN_GOES_AT
  return url.includes('/docs') || url.includes('/openapi.') ? DOCS_AND_PLANS_GO_AT : Number.POSITIVE_INFINITY
}

const isLogout = ({ method, routeOptions: { url = '' } }: FastifyRequest) =>
  method === 'DELETE' && /\/sessions?$/.test(url)
