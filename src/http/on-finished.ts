import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

type Act = (request: FastifyRequest, reply: FastifyReply) => void

/** The name under which the application keeps what `onFinished` adds. */
const ACTS = 'actsOnFinished'

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
    app.addHook('onResponse', (request, reply, done) => {
      finish(request, reply)
      done()
    })
    // Fastify emits no `onResponse` when the caller has disconnected, although the request may have written.
    app.addHook('onSend', (request, reply, _payload, done) => {
      const finishUnlessSent = () => {
        if (!reply.raw.writableFinished) finish(request, reply)
      }
      if (reply.raw.destroyed) finishUnlessSent()
      else reply.raw.once('close', finishUnlessSent)
      done()
    })
  },
  { name: 'finishing' }
)
