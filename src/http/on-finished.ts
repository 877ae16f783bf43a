import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Runs `act` once for each request: when its reply is sent, or when it was ready and the caller had disconnected.
 * Fastify emits no `onResponse` for the latter, although the request may have written.
 */
export const onFinished = (app: FastifyInstance, act: (request: FastifyRequest, reply: FastifyReply) => void): void => {
  app.addHook('onResponse', async (request, reply) => act(request, reply))
  app.addHook('onSend', async (request, reply) => {
    const actUnlessSent = () => {
      if (!reply.raw.writableFinished) act(request, reply)
    }
    if (reply.raw.destroyed) actUnlessSent()
    else reply.raw.once('close', actUnlessSent)
  })
}
