import { ref } from '../schemas/model.ts'
import { NoContent } from '../schemas/status.ts'
import { CreatedToken, NewToken, SessionList, SessionPath, TokenList, TokenPath } from '../schemas/tokens.ts'
import type { Sessions } from '../src/auth/sessions.ts'
import type { TokenEntry } from '../src/auth/token-records.ts'
import type { Tokens } from '../src/auth/tokens.ts'
import { note } from '../src/core/context.ts'
import { optionalMembers } from '../src/core/optional-members.ts'
import { BODY_PROBLEMS, unscopedAnswers } from '../src/http/answers.ts'
import { operation } from '../src/http/operation.ts'
import { NOTHING } from '../src/http/reach.ts'
import { contextOf, type Routes } from '../src/http/route.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'

export interface TokenOptions {
  tokens: Tokens
  sessions: Sessions
}

/** What ends a credential: it works while load is shed, and on a gateway that only reads. */
const ENDING = { rate: 'delete', priority: 'essential', switches: [] } as const

/** Tokens that can do less than the credential that makes them, and the sessions of the customer. */
export const tokenRoutes: Routes<TokenOptions> = async (app, { tokens, sessions }) => {
  app.route({
    method: 'POST',
    url: '/tokens',
    config: operation({
      scope: undefined,
      rate: 'tokens',
      account: undefined,
      reach: NOTHING,
      audit: 'token.create',
      target: ({ body: { name } }) => [name]
    }),
    schema: {
      operationId: 'createToken',
      summary: 'Create a token that can do less',
      description:
        'Makes a token for a partner or a job: with some of the scopes, accounts and buckets of its maker, below a path, for a minute to a day. It can make narrower ones. It ends at its time, with `deleteToken`, and with what made it: the session, the token, the HOSTKEY token, or the secret of the service. The reply shows it once.',
      tags: ['Tokens'],
      body: ref(NewToken),
      response: unscopedAnswers(
        { 201: CreatedToken },
        BODY_PROBLEMS,
        tokenInfo,
        'scope-exceeds-caller',
        'too-many-tokens'
      )
    },
    async handler(request, reply) {
      const context = contextOf(request)
      const { token, tokenId, expiresAt } = await tokens.create(context.caller, request.body)
      note(context, { tokenId })
      return reply.code(201).send({ token: token.reveal(), tokenId, expiresAt: new Date(expiresAt).toISOString() })
    }
  })

  app.route({
    method: 'GET',
    url: '/tokens',
    config: operation({ scope: undefined, rate: 'read', account: undefined, reach: NOTHING, audit: undefined }),
    schema: {
      operationId: 'listTokens',
      summary: 'List tokens',
      description:
        'Lists the live tokens: of the customer for a session or a HOSTKEY token, its own for a service, and for such a token itself and those that were made from it.',
      tags: ['Tokens'],
      response: unscopedAnswers({ 200: TokenList }, tokenInfo)
    },
    async handler(request) {
      const items = await tokens.list(contextOf(request).caller)
      return {
        items: items.map(entry => optionalMembers({ ...toToken(entry), lastUsedAt: instantOf(entry.lastUsedAt) }))
      }
    }
  })

  app.route({
    method: 'DELETE',
    url: '/tokens/:tokenId',
    config: operation({
      ...ENDING,
      scope: undefined,
      account: undefined,
      reach: NOTHING,
      audit: 'token.delete',
      target: ({ params: { tokenId } }) => [tokenId]
    }),
    schema: {
      operationId: 'deleteToken',
      summary: 'End a token',
      description:
        'Ends the token and all that were made from it, on every replica, with the next request. Jobs that it has started go on; URLs that it has signed are valid until they expire.',
      tags: ['Tokens'],
      params: TokenPath,
      response: unscopedAnswers({ 204: NoContent }, BODY_PROBLEMS, tokenInfo, 'token-not-found')
    },
    async handler(request, reply) {
      await tokens.delete(contextOf(request).caller, request.params.tokenId)
      return reply.code(204).send(null)
    }
  })

  app.route({
    method: 'GET',
    url: '/sessions',
    config: operation({ scope: undefined, rate: 'read', account: undefined, audit: undefined }),
    schema: {
      operationId: 'listSessions',
      summary: 'List sessions',
      description: 'Lists the live sessions of the customer. Services and tokens of the gateway cannot.',
      tags: ['Session'],
      response: unscopedAnswers({ 200: SessionList }, tokenInfo, 'forbidden', 'insufficient-scope')
    },
    async handler(request) {
      const items = await sessions.list(contextOf(request).caller)
      return {
        items: items.map(({ createdAt, lastUsedAt, ...rest }) =>
          optionalMembers({
            ...rest,
            createdAt: new Date(createdAt).toISOString(),
            lastUsedAt: new Date(lastUsedAt).toISOString()
          })
        )
      }
    }
  })

  app.route({
    method: 'DELETE',
    url: '/sessions/:sessionId',
    config: operation({
      ...ENDING,
      scope: undefined,
      account: undefined,
      audit: 'session.end',
      target: ({ params: { sessionId } }) => [sessionId]
    }),
    schema: {
      operationId: 'deleteSessionById',
      summary: 'End one session',
      description:
        'Ends a session of the customer on every replica, and the tokens that were made from it. Its HOSTKEY token stays valid until it expires: only the cookie opens it.',
      tags: ['Session'],
      params: SessionPath,
      response: unscopedAnswers(
        { 204: NoContent },
        BODY_PROBLEMS,
        tokenInfo,
        'session-not-found',
        'forbidden',
        'insufficient-scope'
      )
    },
    async handler(request, reply) {
      await sessions.endOne(contextOf(request).caller, request.params.sessionId)
      return reply.code(204).send(null)
    }
  })
}

const instantOf = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

const toToken = (entry: TokenEntry & { tokenId: string }) => {
  const { tokenId, name, scopes, accounts, buckets, pathPrefix, createdAt, expiresAt, madeBy } = entry
  return optionalMembers({
    tokenId,
    name,
    scopes: [...scopes],
    accounts: accounts && [...accounts],
    buckets: buckets && [...buckets],
    pathPrefix,
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
    madeBy
  })
}
