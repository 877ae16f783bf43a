import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { type Drain, IN_FLIGHT, shuttingDown } from '../drain.ts'
import { onFinished } from '../on-finished.ts'
import { operationOf } from '../operation.ts'
import { hasBody } from './guard.ts'

/** Counts the requests in flight, and sends clients to another replica while this one drains. */
export const draining = fp(
  async (app: FastifyInstance, { drain }: { drain: Drain }) => {
    app.decorateRequest(IN_FLIGHT, null)
    app.addHook('onRequest', (request, reply, done) => {
      if (drain.isRefusing && !operationOf(request).isAnsweredWhileDraining) throw shuttingDown()
      drain.enter(request, reply)
      done()
    })
    app.addHook('preParsing', ({ raw }, _reply, _payload, done) => {
      // The headers came before the listener closed, the body did not.
      if (drain.isRefusing && !raw.complete && hasBody(raw.headers)) throw shuttingDown()
      done()
    })
    app.addHook('onSend', (_request, reply, _payload, done) => {
      if (drain.hasBegun) reply.header('connection', 'close')
      done()
    })
    onFinished(app, request => drain.leave(request))
  },
  { name: 'draining' }
)

/** 50 ms: how long a connection without a request may outlive the last reply. */
const SWEEP_MS = 50

/** Reads are aborted 5 s before the end of the grace period; half-way where that is shorter than 10 s. */
const abortAfterMs = (graceMs: number) => Math.max(graceMs - 5000, graceMs / 2)

/**
 * Closes the listener, waits for the requests in flight, and closes connections without a request: browsers open some
 * in advance, others hold half a request, and Node would wait for them. A write may take longer than the grace period.
 */
export const closeListener = async (app: FastifyInstance, drain: Drain, graceMs: number): Promise<void> => {
  drain.refuse()
  const sweep = setInterval(() => {
    if (drain.inFlight().requests === 0) app.server.closeAllConnections()
  }, SWEEP_MS)
  const abort = setTimeout(() => drain.abort(), abortAfterMs(graceMs))
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
    clearTimeout(abort)
  }
}
