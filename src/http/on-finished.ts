import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

type Act = (request: FastifyRequest, reply: FastifyReply) => void

/** The name under which the application keeps what `onFinished` adds. */
const ACTS = 'actsOnFinished'

/** The name under which a request notes that its end is waited for: after a failing `onSend` the hooks run again. */
const IS_AWAITED = 'isEndAwaited'

/**
 * Runs `act` once for each request: when its reply is sent, or when it was ready and the caller had disconnected.
 * @param app where `finishing` is registered
 */
export const onFinished = (app: FastifyInstance, act: Act): void => {
  app.getDecorator<Act[]>(ACTS).push(act)
}

/** Waits for the end of each request, once for all who act on it. */
export const finishing = fp(
  async (app: FastifyInstance) => {
    const acts: Act[] = []
    const finish: Act = (request, reply) => {
      for (const act of acts) act(request, reply)
    }
    app.decorate(ACTS, acts)
    app.decorateRequest(IS_AWAITED, false)
    // Not `onResponse`: Fastify emits none when the caller has disconnected, although the request may have written.
    app.addHook('onSend', (request, reply, _payload, done) => {
      if (request.getDecorator<boolean>(IS_AWAITED)) return done()
      request.setDecorator(IS_AWAITED, true)
      if (reply.raw.destroyed) finish(request, reply)
      else reply.raw.on('close', () => finish(request, reply))
      done()
    })
  },
  { name: 'finishing' }
)
