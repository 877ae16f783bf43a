import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { COOKIE } from '../../auth/cookie.ts'
import { Problem } from '../../core/problem.ts'
import { Secret } from '../../core/secret.ts'
import { onFinished } from '../on-finished.ts'
import { contextOf } from '../route.ts'

/** Requests of one session at the same time: more than a page needs, too few to slow others down. Assumed. */
export const MAX_IN_FLIGHT = 8

/** Keeps one session from using all calls to HOSTKEY. Services have their limits in the registry. */
export const inFlight = fp(
  async (app: FastifyInstance) => {
    const counts = new Map<string, number>()
    const counted = new WeakMap<FastifyRequest, string>()
    app.addHook('onRequest', (request, _reply, done) => {
      const cookie = request.cookies[COOKIE]
      if (contextOf(request).caller.authScheme !== 'session' || cookie === undefined) return done()
      // By session, not by caller: a customer may have several sessions.
      const id = new Secret(cookie).fingerprint()
      const count = (counts.get(id) ?? 0) + 1
      if (count > MAX_IN_FLIGHT) {
        throw new Problem('rate-limited', `More than ${MAX_IN_FLIGHT} concurrent requests of this session.`, {
          retryAfterSeconds: 1
        })
      }
      counts.set(id, count)
      counted.set(request, id)
      done()
    })
    onFinished(app, request => {
      const id = counted.get(request)
      if (id === undefined) return
      const count = (counts.get(id) ?? 1) - 1
      if (count > 0) counts.set(id, count)
      else counts.delete(id)
    })
  },
  { name: 'in-flight' }
)
