import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Caller, Errand } from '../caller.ts'
import { Problem } from '../problem.ts'
import { ERRAND } from '../route.ts'
import { Secret } from '../secret.ts'

/** A HOSTKEY token is opaque; 32 hexadecimal digits in the documentation. */
const BEARER = /^Bearer +([!-~]{1,4096})$/i

/** Finds out who asks: every operation behind it has a caller. */
export const authenticate = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async (request, reply) => {
      request.setDecorator<Errand>(ERRAND, {
        caller: callerOf(request),
        signal: hangUpSignal(reply),
        spent: { ms: 0, calls: 0 }
      })
    })
  },
  { name: 'authenticate' }
)

/** @throws Problem unauthenticated, invalid-token */
const callerOf = (request: FastifyRequest): Caller => {
  const header = request.headers.authorization
  if (header === undefined) throw new Problem('unauthenticated', 'No credential was sent.')
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) throw new Problem('invalid-token', 'The header Authorization is not `Bearer <token>`.')
  const secret = new Secret(token)
  return { id: `token:${secret.fingerprint()}`, token: secret }
}

/** Aborts when the connection closes before the reply is out. `request.signal` will not do: it aborts once the body is read. */
const hangUpSignal = (reply: FastifyReply): AbortSignal => {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
