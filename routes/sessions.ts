import type { FastifyReply, FastifyRequest } from 'fastify'
import { ref } from '../schemas/model.ts'
import { CsrfHeader, NewSession, Session } from '../schemas/sessions.ts'
import { NoContent } from '../schemas/status.ts'
import { COOKIE, clearingFlags, cookieFlags } from '../src/auth/cookie.ts'
import { type AccountHash, credentialOf } from '../src/auth/credential.ts'
import { assertCookieIsKept, assertNotForged } from '../src/auth/csrf.ts'
import type { SessionInfo, Sessions } from '../src/auth/sessions.ts'
import type { StopSignal } from '../src/core/abort.ts'
import { strangerAt } from '../src/core/caller.ts'
import type { RequestContext } from '../src/core/context.ts'
import { optionalMembers } from '../src/core/optional-members.ts'
import { Secret } from '../src/core/secret.ts'
import { BODY_PROBLEMS, ignoringErrors, openAnswers, unscopedAnswers, withHeaders } from '../src/http/answers.ts'
import { networkOf } from '../src/http/network.ts'
import { openOperation, operation } from '../src/http/operation.ts'
import { originOf, outcomeOf } from '../src/http/origin.ts'
import { NOTHING } from '../src/http/reach.ts'
import { type BeginLogin, CONTEXT, contextOf, type LoginAttempt, type Routes } from '../src/http/route.ts'
import type { Audit } from '../src/observability/audit.ts'
import type { AuditMembers } from '../src/observability/audit-events.ts'
import { login, logout, passwordLogin, tokenInfo } from '../src/upstream/actions/sessions.ts'
import { anonymousContext } from '../src/upstream/auth.ts'

export interface SessionOptions {
  sessions: Sessions
  audit: Audit
  beginLogin: BeginLogin
  accountHash: AccountHash
  /** Address of the gateway for callers. */
  publicUrl: URL
  /** Origins whose pages may log in. */
  origins: ReadonlySet<string>
  /** Aborts when the caller disconnects or the replica shuts down. */
  signalOf: (request: FastifyRequest) => StopSignal
}

type SessionRoutes = Routes<SessionOptions>

/** Logging in and out. Open: a login has no session yet, and a logout succeeds when the session has ended already. */
export const loginRoutes: SessionRoutes = async (
  app,
  { sessions, audit, beginLogin, accountHash, origins, publicUrl, signalOf }
) => {
  const record = (request: FastifyRequest, event: 'login' | 'logout', outcome: string, members: AuditMembers) =>
    audit.record({ event, outcome, ...originOf(request), ...members })

  const logIn = async (request: FastifyRequest<{ Body: NewSession }>, reply: FastifyReply) => {
    const credential = credentialOf(request.body)
    const account = accountHash(credential)
    const members = {
      account,
      credential: 'apiKey' in credential ? 'apiKey' : 'token' in credential ? 'token' : 'password'
    } as const
    let attempt: LoginAttempt | undefined
    try {
      attempt = await beginLogin(request, reply, account)
      request.setDecorator<RequestContext>(
        CONTEXT,
        anonymousContext({ share: strangerAt(networkOf(request)), signal: signalOf(request) })
      )
      const { network, userAgent } = originOf(request)
      const loggedIn = await sessions.logIn(credential, {
        context: contextOf(request),
        shownCookie: shownCookie(request),
        origin: { network, userAgent }
      })
      await attempt.recordSuccess()
      record(request, 'login', 'ok', { ...members, customerId: loggedIn.session.customerId })
      return loggedIn
    } catch (error) {
      await attempt?.recordFailure(error)
      record(request, 'login', outcomeOf(error), members)
      throw error
    }
  }

  app.route({
    method: 'POST',
    url: '/session',
    config: openOperation({ priority: 'login', allowsHttp10: false, isAnsweredWhileDraining: false }),
    schema: {
      operationId: 'createSession',
      summary: 'Log in',
      description:
        'For browsers. Exchanges one credential (`apiKey`, or `email` and `password`, or `token`) for a session cookie that scripts can neither read nor set. The gateway uses the credential once and does not store it. Needs the header `X-CSRF: 1`.',
      tags: ['Session'],
      headers: CsrfHeader,
      body: ref(NewSession),
      response: openAnswers(
        { 201: withHeaders(Session, 'Set-Cookie') },
        BODY_PROBLEMS,
        'csrf-rejected',
        'https-required',
        'store-unavailable',
        'draining',
        'overloaded',
        login,
        passwordLogin,
        tokenInfo,
        ignoringErrors(logout)
      )
    },
    // Before the body is read: a foreign page learns nothing from its validation.
    onRequest: async ({ headers }) => {
      assertCookieIsKept(headers, publicUrl, origins)
      assertNotForged(headers, origins)
    },
    async handler(request, reply) {
      const { cookie, session } = await logIn(request, reply)
      reply.setCookie(COOKIE, cookie.reveal(), cookieFlags((session.expiresAt - Date.now()) / 1000))
      return reply.code(201).send(toSession(session))
    }
  })

  app.route({
    method: 'DELETE',
    url: '/session',
    config: openOperation({ priority: 'essential', allowsHttp10: false, isAnsweredWhileDraining: false }),
    schema: {
      operationId: 'deleteSession',
      summary: 'Log out',
      description:
        'Ends the session on every replica, deletes the cookie and ends the token at HOSTKEY, in the background if HOSTKEY does not answer. The operation is idempotent.',
      tags: ['Session'],
      headers: CsrfHeader,
      response: openAnswers(
        { 204: withHeaders(NoContent, 'Set-Cookie') },
        BODY_PROBLEMS,
        'csrf-rejected',
        'store-unavailable',
        'draining',
        ignoringErrors(logout)
      )
    },
    onRequest: async request => {
      if (shownCookie(request)) assertNotForged(request.headers, origins)
    },
    async handler(request, reply) {
      const ended = await sessions.logOut(shownCookie(request))
      if (ended)
        record(request, 'logout', 'ok', { customerId: ended.identity.customerId, token: ended.token.fingerprint() })
      return reply.clearCookie(COOKIE, clearingFlags).code(204).send(null)
    }
  })
}

/** The operations of an authenticated caller. */
export const sessionRoutes: SessionRoutes = async (app, { sessions }) => {
  app.route({
    method: 'GET',
    url: '/session',
    config: operation({ scope: undefined, rate: 'read', account: undefined, reach: NOTHING, audit: undefined }),
    schema: {
      operationId: 'getSession',
      summary: 'Read the session',
      description: 'Returns the identity of the caller at HOSTKEY and its scopes, for every way to authenticate.',
      tags: ['Session'],
      response: unscopedAnswers({ 200: Session }, tokenInfo)
    },
    async handler(request) {
      return toSession(await sessions.describe(contextOf(request).caller))
    }
  })

  app.route({
    method: 'DELETE',
    url: '/sessions',
    config: operation({
      scope: undefined,
      rate: 'delete',
      priority: 'essential',
      account: undefined,
      audit: 'sessions.end',
      switches: []
    }),
    schema: {
      operationId: 'deleteSessions',
      summary: 'End all sessions',
      description:
        'Ends every session of the customer on every replica, including the current one, and the tokens that were made from them.',
      tags: ['Session'],
      response: unscopedAnswers(
        { 204: withHeaders(NoContent, 'Set-Cookie') },
        BODY_PROBLEMS,
        tokenInfo,
        'forbidden',
        'insufficient-scope',
        ignoringErrors(logout)
      )
    },
    async handler(request, reply) {
      await sessions.endAll(contextOf(request).caller)
      return reply.clearCookie(COOKIE, clearingFlags).code(204).send(null)
    }
  })
}

/** The session cookie that the browser sent. */
const shownCookie = ({ cookies }: FastifyRequest): Secret | undefined => {
  const value = cookies[COOKIE]
  return value === undefined ? undefined : new Secret(value)
}

const toSession = ({ expiresAt, customerId, email, role, scopes }: SessionInfo): Session => ({
  ...optionalMembers({
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    customerId,
    email,
    role
  }),
  scopes: [...scopes]
})
