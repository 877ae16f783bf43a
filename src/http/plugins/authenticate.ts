import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Authenticators } from '../../auth/authenticators/index.ts'
import { isServiceCredential } from '../../auth/authenticators/service.ts'
import { sessionExpired } from '../../auth/authenticators/session.ts'
import { COOKIE, clearingFlags } from '../../auth/cookie.ts'
import { assertNotForged } from '../../auth/csrf.ts'
import type { StopSignal } from '../../core/abort.ts'
import { addressOf } from '../../core/address.ts'
import { type Caller, isStranger } from '../../core/caller.ts'
import { noUpstreamTiming, type RequestContext, type UpstreamTiming } from '../../core/context.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { Secret } from '../../core/secret.ts'
import { andThen, hookOf } from '../hook.ts'
import { networkOf } from '../network.ts'
import { limitKeyOf } from '../rate-limit-store.ts'
import { CONTEXT } from '../route.ts'
import { REFUSED_SERVICE } from './audit.ts'
import { type AppliedLimit, consume, type Limiter, report } from './rate-limits.ts'

export interface AuthenticateOptions {
  authenticators: Authenticators
  limiter: Limiter
  /** Origins whose pages may use the cookie. */
  origins: ReadonlySet<string>
  /** Aborts when the caller has disconnected, or the replica shuts down. */
  signalOf: (request: FastifyRequest) => StopSignal
}

/** A HOSTKEY token is opaque; 32 hexadecimal digits in the documentation. */
const BEARER = /^Bearer +([!-~]{1,4096})$/i

/**
 * Authenticates each request and counts it against the limits of its address and its caller, in one round trip to the
 * store: every operation behind this plugin has a caller.
 */
export const authenticate = fp(
  async (app: FastifyInstance, { authenticators, limiter, origins, signalOf }: AuthenticateOptions) => {
    const { counters, ofAddress, ofCaller, ofSession } = limiter
    const enter = (request: FastifyRequest, caller: Caller, upstream: UpstreamTiming) => {
      const isShareable = request.method === 'GET' || request.method === 'HEAD'
      request.setDecorator<RequestContext>(CONTEXT, { caller, signal: signalOf(request), isShareable, upstream })
    }
    app.addHook(
      'onRequest',
      hookOf((request, reply) => {
        const timing = noUpstreamTiming()
        let presented: Caller | Secret
        try {
          presented = presentedBy(request, timing, { authenticators, origins })
        } catch (error) {
          return andThen(consume(limiter, reply, [ofAddress(request, 1)]), () => Promise.reject(error))
        }
        if (presented instanceof Secret) return enterSession(presented, request, reply, timing)
        const caller = presented
        const own = ofCaller(request, caller)
        const applied = [ofAddress(request, caller.limitFactor), ...own]
        return andThen(counters.count(applied), counts => {
          // Only within the limit of the address.
          if (counts.length > 1) {
            enter(request, caller, timing)
            if (isStranger(caller.share)) reply.raw.once('finish', () => countAgain(caller, own))
          }
          return report(reply, applied, counts)
        })
      })
    )
    const enterSession = async (
      cookie: Secret,
      request: FastifyRequest,
      reply: FastifyReply,
      timing: UpstreamTiming
    ) => {
      const address = [ofAddress(request, 1)]
      const own = ofSession(request)
      const session = await authenticators.session(cookie, { ofAddress: address, ofCaller: own }).catch(error => {
        report(reply, address, counters.countAlone(address))
        throw error
      })
      const { caller } = session
      const ofCaller = caller ? own.map(limit => ({ ...limit, owner: caller.id, key: limit.key + caller.id })) : []
      const applied = [...address, ...ofCaller]
      // Nothing is counted for a cookie that cannot be one, nor by a store without memory.
      const counts = session.counts.length > 0 ? session.counts : await counters.count(applied)
      if (!caller) {
        report(reply, address, counts)
        throw sessionExpired()
      }
      enter(request, caller, timing)
      report(reply, applied, counts)
    }
    /** Counts the first request of an accepted token against its own limits too. */
    const countAgain = ({ id, share }: Caller, limits: readonly AppliedLimit[]) => {
      if (isStranger(share)) return
      void counters.count(limits.map(limit => ({ ...limit, key: limitKeyOf(limit.policy.name, id) })))
    }
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

/**
 * The caller, or the cookie of its session. `Authorization: Bearer` wins over a cookie.
 * @throws Problem unauthenticated, invalid-token, csrf-rejected
 */
const presentedBy = (
  request: FastifyRequest,
  timing: UpstreamTiming,
  { authenticators, origins }: Pick<AuthenticateOptions, 'authenticators' | 'origins'>
): Caller | Secret => {
  const { authorization } = request.headers
  if (authorization !== undefined && IS_BEARER.test(authorization))
    return bearerOf(request, authorization, authenticators, timing)
  const cookie = request.cookies[COOKIE]
  if (cookie === undefined) {
    throw new Problem('unauthenticated', authorization === undefined ? NO_CREDENTIAL : OTHER_SCHEME)
  }
  assertNotForged(request.headers, origins)
  return new Secret(cookie)
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
    ? authenticators.service(new Secret(bearer), timing, () => addressOf(request))
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
