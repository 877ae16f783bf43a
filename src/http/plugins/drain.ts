import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Drain, shuttingDown } from '../drain.ts'
import { onFinished } from '../on-finished.ts'
import { needsOf } from '../route.ts'

/** Knows what is in flight, and sends clients elsewhere while the replica drains. */
export const draining = fp(
  async (app: FastifyInstance, { drain }: { drain: Drain }) => {
    app.addHook('onRequest', async (request, reply) => {
      if (drain.isRefusing && !isForNobody(request)) throw shuttingDown()
      drain.enter(request, reply)
    })
    app.addHook('preParsing', async ({ raw }) => {
      // It came before the listener closed, but its body did not.
      if (drain.isRefusing && !raw.complete) throw shuttingDown()
    })
    app.addHook('onSend', async (_request, reply) => {
      if (drain.hasBegun) reply.header('connection', 'close')
    })
    onFinished(app, request => drain.leave(request))
  },
  { name: 'draining' }
)

/** Probes and pages: they ask nobody, and a replica that ends is still alive. */
const isForNobody = ({ method, routeOptions }: FastifyRequest) => method === 'GET' && !needsOf(routeOptions.config)

/** 50 ms: how long a connection without a request may outlive the last reply. */
const SWEEP_MS = 50

/** 5 s before the end of the grace reads are answered; half-way where the grace is short. */
const cutAfterMs = (graceMs: number) => Math.max(graceMs - 5000, graceMs / 2)

/**
 * Closes the listener, waits for the requests in flight, and ends connections that carry none: browsers open some in
 * advance, others hold half a request, and Node would wait for them. It may take longer than the grace where a write does.
 */
export const closeListener = async (app: FastifyInstance, drain: Drain, graceMs: number): Promise<void> => {
  drain.refuse()
  const sweep = setInterval(() => {
    if (drain.inFlight().requests === 0) app.server.closeAllConnections()
  }, SWEEP_MS)
  const cut = setTimeout(() => drain.abort(), cutAfterMs(graceMs))
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(cut)
  }
}
