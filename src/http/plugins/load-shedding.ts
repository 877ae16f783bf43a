import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../../core/problem.ts'
import { operationOf, type Priority } from '../operation.ts'
import type { Pressure } from '../pressure.ts'

/** The level of pressure from which operations of a priority are refused. */
const REFUSED_FROM: Record<Priority, number> = {
  reference: 1,
  usage: 2,
  read: 3,
  write: 4,
  login: 5,
  essential: Number.POSITIVE_INFINITY
}

/** At the highest level only essential operations are served: logouts and probes. */
export const MAX_PRESSURE = REFUSED_FROM.login

/** Refuses requests under load, the least important first, so that the others are answered in time. */
export const shedding = fp(
  async (app: FastifyInstance, { pressure }: { pressure: Pick<Pressure, 'level'> }) => {
    app.addHook('onRequest', (request, _reply, done) => {
      if (pressure.level >= REFUSED_FROM[operationOf(request).priority]) {
        throw new Problem('overloaded', 'The gateway is overloaded.', { retryAfterSeconds: 1 + Math.random() * 2 })
      }
      done()
    })
  },
  { name: 'shedding' }
)
