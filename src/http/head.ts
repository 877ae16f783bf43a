import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'

/**
 * Lets HEAD reach every route of GET: the reply has the headers of GET, and Node sends no body. Fastify's own HEAD routes
 * would compile each schema twice, read a stream to its end, and fail on a 304. A route with `exposeHeadRoute: false`
 * answers HEAD by itself.
 * @param app before its routes are registered
 */
export const answerHead = (app: FastifyInstance): void => {
  app.addHook('onRoute', route => {
    if (route.method === 'GET' && route.exposeHeadRoute !== false) route.method = ['GET', 'HEAD']
  })
}

/** Answers HEAD where the body of GET is not made: without a length, as a stream has none. */
export const sendHeaders = (reply: FastifyReply, type: string) => reply.type(type).send(Readable.from([]))
