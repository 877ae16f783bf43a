import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Acts once for each request: when its reply is out, or when it was ready and the caller had hung up. Fastify's
 * `onResponse` never comes for those, though a write has been done for them.
 */
export const onFinished = (app: FastifyInstance, act: (request: FastifyRequest, reply: FastifyReply) => void): void => {
  app.addHook('onResponse', async (request, reply) => act(request, reply))
  app.addHook('onSend', async (request, reply) => {
    const actUnlessOut = () => {
      if (!reply.raw.writableFinished) act(request, reply)
    }
    if (reply.raw.destroyed) actUnlessOut()
    else reply.raw.once('close', actUnlessOut)
  })
}
