import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Authenticators } from '../../auth/authenticators/index.ts'
import { isServiceCredential } from '../../auth/authenticators/service.ts'
import { COOKIE, clearingFlags } from '../../auth/cookie.ts'
import { assertNotForged } from '../../auth/csrf.ts'
import type { Caller } from '../../core/caller.ts'
import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { Secret } from '../../core/secret.ts'
import { hookOf } from '../hook.ts'
import { networkOf } from '../network.ts'
import { CONTEXT } from '../route.ts'
import { REFUSED_SERVICE } from './audit.ts'

export interface AuthenticateOptions {
  authenticators: Authenticators
  /** Origins whose pages may use the cookie. */
  origins: ReadonlySet<string>
  /** Aborts when the caller has disconnected, or the replica shuts down. */
  signalOf: (request: FastifyRequest) => AbortSignal
}

/** A HOSTKEY token is opaque; 32 hexadecimal digits in the documentation. */
const BEARER = /^Bearer +([!-~]{1,4096})$/i

/** Authenticates each request: every operation behind this plugin has a caller. */
export const authenticate = fp(
  async (app: FastifyInstance, { authenticators, origins, signalOf }: AuthenticateOptions) => {
    app.addHook(
      'onRequest',
      hookOf(request => {
        const upstream = noUpstreamTiming()
        const isShareable = request.method === 'GET' || request.method === 'HEAD'
        const accept = (caller: Caller): undefined => {
          request.setDecorator<RequestContext>(CONTEXT, { caller, signal: signalOf(request), isShareable, upstream })
        }
        const caller = callerOf(request, upstream, { authenticators, origins })
        return caller instanceof Promise ? caller.then(accept) : accept(caller)
      })
    )
    app.addHook('onError', async (request, reply, error) => {
      const service = isProblem(error) ? error.options.service : undefined
      if (service !== undefined) request.setDecorator(REFUSED_SERVICE, service)
      // Clear the cookie only when the session has ended; keep it when the store is down.
      if (isProblem(error, 'session-expired')) reply.setCookie(COOKIE, '', clearingFlags)
    })
  },
  { name: 'authenticate' }
)

const NO_CREDENTIAL = 'Neither Authorization nor a session cookie was sent.'
const OTHER_SCHEME = 'The header Authorization is not `Bearer <token>`, and no session cookie was sent.'

/** Any other scheme is for a server in front of the gateway. */
const IS_BEARER = /^Bearer(\s|$)/i

/** `Authorization: Bearer` wins over a cookie. @throws Problem unauthenticated, invalid-token, session-expired, csrf-rejected */
const callerOf = (
  request: FastifyRequest,
  timing: UpstreamTiming,
  { authenticators, origins }: Pick<AuthenticateOptions, 'authenticators' | 'origins'>
): Caller | Promise<Caller> => {
  const { authorization } = request.headers
  if (authorization !== undefined && IS_BEARER.test(authorization))
    return bearerOf(request, authorization, authenticators, timing)
  const cookie = request.cookies[COOKIE]
  if (cookie === undefined) {
    throw new Problem('unauthenticated', authorization === undefined ? NO_CREDENTIAL : OTHER_SCHEME)
  }
  assertNotForged(request.headers, origins)
  return authenticators.session(new Secret(cookie))
}

const bearerOf = (
  request: FastifyRequest,
  authorization: string,
  authenticators: Authenticators,
  timing: UpstreamTiming
): Caller => {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer === undefined) throw new Problem('invalid-token', 'The header Authorization is not `Bearer <token>`.')
  return isServiceCredential(bearer)
    ? authenticators.service(new Secret(bearer), timing)
    : authenticators.bearer(new Secret(bearer), timing, () => networkOf(request))
}

/** The limits of a credential as a multiple of the usual ones: that of a service from the registry, 1 for all others. */
export const limitFactorOf = (
  { headers: { authorization = '' } }: FastifyRequest,
  authenticators: Authenticators
): number => {
  const bearer = BEARER.exec(authorization)?.[1] ?? ''
  if (!isServiceCredential(bearer)) return 1
  try {
    return authenticators.service(new Secret(bearer)).limitFactor
  } catch {
    return 1
  }
}
