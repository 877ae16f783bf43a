import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { NewSession } from '../../schemas/sessions.ts'
import type { RequestContext } from '../core/context.ts'
import { Problem } from '../core/problem.ts'
import { Secret } from '../core/secret.ts'
import { CONTEXT, type ConsumeLogin, contextOf } from '../http/route.ts'
import { type Auth, anonymousContext, type Credential } from '../upstream/auth.ts'
import { COOKIE } from './cookie.ts'
import type { Sessions } from './sessions.ts'

export interface LoginOptions {
  auth: Auth
  sessions: Sessions
  consumeLogin: ConsumeLogin
  /** Ends a token at HOSTKEY, in its own time. */
  revokeLater: (token: Secret) => void
  /** Aborts when the request is to be given up. */
  signalOf: (request: FastifyRequest) => AbortSignal
}

/** How a session begins by a credential, and ends by its cookie. */
export const createLogin = ({ auth, sessions, consumeLogin, revokeLater, signalOf }: LoginOptions) => {
  /** Ends the session whose cookie the request shows. */
  const endShown = async (request: FastifyRequest) => {
    const shown = request.cookies[COOKIE]
    return shown === undefined ? undefined : await sessions.end(new Secret(shown))
  }

  /** A new session for a new token; the one that the request shows ends with its own. */
  const logIn = async (request: FastifyRequest, reply: FastifyReply, credential: Credential) => {
    await consumeLogin(request, reply, hashOf(credential))
    request.setDecorator<RequestContext>(CONTEXT, anonymousContext({ signal: signalOf(request) }))
    const grant = await auth.grant(credential, contextOf(request))
    try {
      const ended = await endShown(request)
      if (ended && ended.token.fingerprint() !== grant.token.fingerprint()) revokeLater(ended.token)
      return await sessions.begin(grant)
    } catch (error) {
      // Nobody will ever show this token; one that the caller brought is the caller's.
      if (!('token' in credential)) revokeLater(grant.token)
      throw error
    }
  }

  return { logIn, endShown }
}

/** Exactly one credential. @throws Problem invalid-request */
export const credentialOf = ({ apiKey, email, password, token }: NewSession): Credential => {
  const shown = [apiKey !== undefined, email !== undefined || password !== undefined, token !== undefined].filter(
    Boolean
  )
  if (shown.length === 1) {
    if (apiKey !== undefined) return { apiKey: new Secret(apiKey) }
    if (token !== undefined) return { token: new Secret(token) }
    if (email !== undefined && password !== undefined) return { email, password: new Secret(password) }
  }
  const detail = 'must hold either apiKey, or email and password, or token'
  throw new Problem('invalid-request', `The body ${detail}.`, { errors: [{ in: 'body', pointer: '', detail }] })
}

/** Under which the logins with a credential are counted. */
const hashOf = (credential: Credential): string => {
  const shown =
    'apiKey' in credential
      ? credential.apiKey.reveal()
      : 'token' in credential
        ? credential.token.reveal()
        : credential.email
  return createHash('sha256').update(shown.toLowerCase()).digest('base64url')
}
