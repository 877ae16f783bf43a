import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Caller, type Errand, nothingSpent, type Spent } from '../../core/caller.ts'
import { COOKIE, clearingFlags } from '../../auth/cookie.ts'
import { assertOwnPage } from '../../auth/csrf.ts'
import { isServiceCredential } from '../../auth/authenticators/service.ts'
import { isProblem, Problem } from '../../core/problem.ts'
import { ERRAND } from '../route.ts'
import { Secret } from '../../core/secret.ts'

/** Three doors, one caller. */
export interface Doors {
  session: (cookie: Secret) => Promise<Caller>
  /** `spent` counts what the door itself asks of HOSTKEY, for this request and whoever else waits for it. */
  bearer: (token: Secret, spent?: Spent) => Caller
  service: (credential: Secret, spent?: Spent) => Caller
}

export interface AuthenticateOptions {
  doors: Doors
  /** Origins whose pages may use the cookie. */
  origins: ReadonlySet<string>
  /** Aborts when the request is to be given up. */
  signalOf: (request: FastifyRequest) => AbortSignal
}

/** A HOSTKEY token is opaque; 32 hexadecimal digits in the documentation. */
const BEARER = /^Bearer +([!-~]{1,4096})$/i

/** Finds out who asks: every operation behind it has a caller. */
export const authenticate = fp(
  async (app: FastifyInstance, { doors, origins, signalOf }: AuthenticateOptions) => {
    app.addHook('onRequest', async request => {
      const spent = nothingSpent()
      const caller = await callerOf(request, spent, { doors, origins })
      request.setDecorator<Errand>(ERRAND, {
        caller,
        signal: signalOf(request),
        isShareable: request.method === 'GET',
        spent
      })
    })
    app.addHook('onError', async (_request, reply, error) => {
      // A session that has ended leaves no cookie behind. An outage of the store does: it says nothing of the session.
      if (isProblem(error, 'session-expired')) reply.setCookie(COOKIE, '', clearingFlags)
    })
  },
  { name: 'authenticate' }
)

/** `Authorization` wins over a cookie. @throws Problem unauthenticated, invalid-token, session-expired, csrf-rejected */
const callerOf = async (
  request: FastifyRequest,
  spent: Spent,
  { doors, origins }: Pick<AuthenticateOptions, 'doors' | 'origins'>
): Promise<Caller> => {
  const { authorization } = request.headers
  if (authorization !== undefined) return bearerOf(authorization, doors, spent)
  const cookie = request.cookies[COOKIE]
  if (cookie === undefined) throw new Problem('unauthenticated', 'Neither Authorization nor a session cookie was sent.')
  assertOwnPage(request.headers, origins)
  return doors.session(new Secret(cookie))
}

const bearerOf = (authorization: string, doors: Doors, spent: Spent): Caller => {
  const bearer = BEARER.exec(authorization)?.[1]
  if (bearer === undefined) throw new Problem('invalid-token', 'The header Authorization is not `Bearer <token>`.')
  return isServiceCredential(bearer)
    ? doors.service(new Secret(bearer), spent)
    : doors.bearer(new Secret(bearer), spent)
}

/**
 * How many times the usual limits the credential may draw, as far as that is known without asking anybody: a service's
 * own factor, and 1 for everybody else.
 */
export const limitFactorOf = ({ headers: { authorization = '' } }: FastifyRequest, doors: Doors): number => {
  const bearer = BEARER.exec(authorization)?.[1] ?? ''
  if (!isServiceCredential(bearer)) return 1
  try {
    return doors.service(new Secret(bearer)).limitFactor
  } catch {
    return 1
  }
}
