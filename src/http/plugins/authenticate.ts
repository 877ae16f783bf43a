import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Authenticators } from '../../auth/authenticators/index.ts'
import { isServiceCredential } from '../../auth/authenticators/service.ts'
import { type StoredCaller, sessionExpired } from '../../auth/authenticators/session.ts'
import { malformedToken, tokenEnded } from '../../auth/authenticators/token.ts'
import { COOKIE, clearingFlags } from '../../auth/cookie.ts'
import { assertNotForged } from '../../auth/csrf.ts'
import type { SessionLimits } from '../../auth/session-records.ts'
import { isDerivedToken, isWellFormed } from '../../auth/token-records.ts'
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
    const { counters, decisions, ofAddress, ofCaller, ofSession } = limiter
    const enter = (request: FastifyRequest, caller: Caller, upstream: UpstreamTiming) => {
      const isShareable = request.method === 'GET' || request.method === 'HEAD'
      request.setDecorator<RequestContext>(CONTEXT, { caller, signal: signalOf(request), isShareable, upstream })
    }
    app.addHook(
      'onRequest',
      hookOf((request, reply) => {
        const timing = noUpstreamTiming()
        let presented: Caller | Stored
        try {
          presented = presentedBy(request, timing, { authenticators, origins })
        } catch (error) {
          return andThen(consume(limiter, reply, [ofAddress(request, 1)]), () => Promise.reject(error))
        }
        if ('open' in presented) return enterStored(presented, request, reply, timing)
        const caller = presented
        const own = ofCaller(request, caller)
        const applied = [ofAddress(request, caller.limitFactor), ...own]
        return andThen(counters.count(applied), counts => {
          // Only within the limit of the address.
          if (counts.length > 1) {
            enter(request, caller, timing)
            if (isStranger(caller.share)) reply.raw.once('finish', () => countAgain(caller, own))
          }
          return report(decisions, reply, applied, counts)
        })
      })
    )
    const enterStored = async (
      { open, ended }: Stored,
      request: FastifyRequest,
      reply: FastifyReply,
      timing: UpstreamTiming
    ) => {
      const address = [ofAddress(request, 1)]
      const own = ofSession(request)
      const stored = await open({ ofAddress: address, ofCaller: own }).catch(error => {
        report(decisions, reply, address, counters.countAlone(address))
        throw error
      })
      const { caller } = stored
      const ofCaller = caller
        ? own.map(limit => ({ ...limit, owner: caller.share, key: limit.key + caller.share }))
        : []
      const applied = [...address, ...ofCaller]
      // Nothing is counted for a cookie that cannot be one, nor by a store without memory.
      const counts = stored.counts.length > 0 ? stored.counts : await counters.count(applied)
      if (!caller) {
        report(decisions, reply, address, counts)
        throw ended()
      }
      enter(request, caller, timing)
      report(decisions, reply, applied, counts)
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

/** A credential of which the store has the record. */
interface Stored {
  open(limits: SessionLimits): Promise<StoredCaller>
  /** The problem where there is no record. */
  ended(): Problem
}

/**
 * The caller, or the credential of which the store has the record. `Authorization: Bearer` wins over a cookie.
 * @throws Problem unauthenticated, invalid-token, csrf-rejected
 */
const presentedBy = (
  request: FastifyRequest,
  timing: UpstreamTiming,
  { authenticators, origins }: Pick<AuthenticateOptions, 'authenticators' | 'origins'>
): Caller | Stored => {
  const { authorization } = request.headers
  if (authorization !== undefined && IS_BEARER.test(authorization))
    return bearerOf(request, authorization, authenticators, timing)
  const cookie = request.cookies[COOKIE]
  if (cookie === undefined) {
    throw new Problem('unauthenticated', authorization === undefined ? NO_CREDENTIAL : OTHER_SCHEME)
  }
  assertNotForged(request.headers, origins)
  return { open: limits => authenticators.session(new Secret(cookie), limits), ended: sessionExpired }
}

const bearerOf = (
  request: FastifyRequest,
  authorization: string,
  authenticators: Authenticators,
  timing: UpstreamTiming
): Caller | Stored => {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer === undefined) throw new Problem('invalid-token', 'The header Authorization is not `Bearer <token>`.')
  const credential = new Secret(bearer)
  if (isServiceCredential(bearer)) return authenticators.service(credential, timing, () => addressOf(request))
  if (!isDerivedToken(bearer)) return authenticators.bearer(credential, timing, () => networkOf(request))
  if (!isWellFormed(credential)) throw malformedToken()
  return {
    open: limits => authenticators.token(credential, limits, timing, () => addressOf(request)),
    ended: tokenEnded
  }
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
