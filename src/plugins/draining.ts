import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Lifecycle } from '../lifecycle.ts'
import { Problem } from '../problem.ts'

export interface DrainingOptions {
  lifecycle: Lifecycle
}

/** While the process drains, every reply ends its connection; once it closes, stragglers are sent to another replica. */
export const draining = fp(
  async (app: FastifyInstance, { lifecycle }: DrainingOptions) => {
    app.addHook('onRequest', async (_request, reply) => {
      if (!lifecycle.isDraining) return
      reply.header('connection', 'close')
      if (lifecycle.isClosing) throw new Problem('draining', 'This replica is shutting down.', { retryAfterSeconds: 1 })
    })
    // A request that came before the drain began ends its connection too.
    app.addHook('onSend', async (_request, reply) => {
      if (lifecycle.isDraining) reply.header('connection', 'close')
    })
  },
  { name: 'draining' }
)
