import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ref } from '../schemas/model.ts'
import { scopes } from '../schemas/scopes.ts'
import { CsrfHeader, NewSession, Session } from '../schemas/sessions.ts'
import { NoContent } from '../schemas/status.ts'
import { COOKIE, clearingFlags, cookieFlags } from '../src/auth/cookie.ts'
import { assertOwnPage } from '../src/auth/csrf.ts'
import { createLogin, credentialOf, type LoginOptions } from '../src/auth/login.ts'
import { addressOf } from '../src/core/address.ts'
import type { Identity } from '../src/core/caller.ts'
import { Problem } from '../src/core/problem.ts'
import { defined } from '../src/core/without-undefined.ts'
import { BODY, ignoringErrors, openAnswers, sends, unscopedAnswers } from '../src/http/answers.ts'
import { contextOf, needs } from '../src/http/route.ts'
import type { Audit } from '../src/observability/audit.ts'
import { login, logout, passwordLogin, tokenInfo } from '../src/upstream/actions/sessions.ts'

export interface SessionOptions extends LoginOptions {
  audit: Audit
  /** Origins whose pages may log in. */
  origins: ReadonlySet<string>
}

type SessionRoutes = FastifyPluginAsyncTypebox<SessionOptions>

/** Logging in and out: open, because nobody has a session yet, or it may have ended. */
export const loginRoutes: SessionRoutes = async (app, { audit, origins, ...options }) => {
  const { logIn, endShown } = createLogin(options)

  app.route({
    method: 'POST',
    url: '/session',
    schema: {
      operationId: 'createSession',
      summary: 'Log in',
      description:
        'For browsers. Exchanges one credential (`apiKey`, or `email` and `password`, or `token`) for a session cookie that scripts can neither read nor set. The gateway uses the credential once and does not store it. Needs the header `X-CSRF: 1`. Every login creates a new session.',
      tags: ['Session'],
      security: [],
      headers: CsrfHeader,
      body: ref(NewSession),
      response: openAnswers(
        { 201: sends(Session, 'Set-Cookie') },
        BODY,
        'csrf-rejected',
        'store-unavailable',
        'draining',
        'overloaded',
        login,
        passwordLogin,
        tokenInfo,
        ignoringErrors(logout)
      )
    },
    // Before the body is read: a page that may not log in learns nothing of what is wrong with it.
    onRequest: async request => assertOwnPage(request.headers, origins),
    async handler(request, reply) {
      const credential = credentialOf(request.body)
      const attempt = { event: 'login', requestId: request.id, ip: addressOf(request) }
      const { cookie, session } = await logIn(request, reply, credential).catch((error: unknown) => {
        audit.record({ ...attempt, outcome: outcomeOf(error) })
        throw error
      })
      audit.record({ ...attempt, outcome: 'ok', customerId: session.identity.customerId })
      reply.setCookie(COOKIE, cookie.reveal(), cookieFlags((session.expiresAt - Date.now()) / 1000))
      return reply.code(201).send(toSession({ ...session.identity, expiresAt: session.expiresAt }, session.scopes))
    }
  })

  app.route({
    method: 'DELETE',
    url: '/session',
    schema: {
      operationId: 'deleteSession',
      summary: 'Log out',
      description:
        'Ends the session on every replica, deletes the cookie and ends the token at HOSTKEY, in the background if HOSTKEY does not answer. The operation is idempotent.',
      tags: ['Session'],
      security: [],
      headers: CsrfHeader,
      response: openAnswers(
        { 204: sends(NoContent, 'Set-Cookie') },
        BODY,
        'csrf-rejected',
        'store-unavailable',
        'draining',
        ignoringErrors(logout)
      )
    },
    onRequest: async request => {
      if (request.cookies[COOKIE] !== undefined) assertOwnPage(request.headers, origins)
    },
    async handler(request, reply) {
      const ended = await endShown(request)
      if (ended) {
        const { customerId } = ended.identity
        audit.record({ event: 'logout', outcome: 'ok', requestId: request.id, ip: addressOf(request), customerId })
        options.revokeLater(ended.token)
      }
      return reply.clearCookie(COOKIE, clearingFlags).code(204).send(null)
    }
  })
}

/** What a caller can ask of its own session. */
export const session: SessionRoutes = async (app, { sessions, revokeLater }) => {
  app.route({
    method: 'GET',
    url: '/session',
    config: needs(undefined, 'read'),
    schema: {
      operationId: 'getSession',
      summary: 'Read the session',
      description: 'Returns the identity of the caller at HOSTKEY and its scopes, for every way to authenticate.',
      tags: ['Session'],
      response: unscopedAnswers({ 200: Session }, tokenInfo)
    },
    async handler(request) {
      const { caller } = contextOf(request)
      const identity = await caller.identity()
      const granted = await Promise.all(scopes.map(async scope => ((await caller.grants(scope)) ? [scope] : [])))
      return toSession(identity, granted.flat())
    }
  })

  app.route({
    method: 'DELETE',
    url: '/sessions',
    config: needs(undefined, 'delete', { audit: 'sessions.end' }),
    schema: {
      operationId: 'deleteSessions',
      summary: 'End all sessions',
      description: 'Ends every session of the customer on every replica, including the current one.',
      tags: ['Session'],
      response: unscopedAnswers(
        { 204: sends(NoContent, 'Set-Cookie') },
        BODY,
        tokenInfo,
        'forbidden',
        ignoringErrors(logout)
      )
    },
    async handler(request, reply) {
      const { caller } = contextOf(request)
      if (caller.authScheme === 'service') throw new Problem('forbidden', 'The sessions are not those of a service.')
      const { customerId } = await caller.identity()
      if (customerId === undefined) throw new Problem('forbidden', 'HOSTKEY names no customer for this credential.')
      await sessions.endAll(customerId)
      // The other tokens lie sealed under cookies that are not here: they run out by themselves.
      if (caller.authScheme === 'session') revokeLater(await caller.token())
      return reply.clearCookie(COOKIE, clearingFlags).code(204).send(null)
    }
  })
}

const outcomeOf = (error: unknown): string => (error instanceof Problem ? error.problem : 'internal')

const toSession = ({ expiresAt, customerId, email, role }: Identity, scopes: readonly string[]): Session => ({
  ...defined({
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    customerId,
    email,
    role
  }),
  scopes: [...scopes]
})
