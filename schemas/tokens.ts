import { type Static, Type } from 'typebox'
import { annotate, describe, model, oneOf, ref } from './model.ts'
import { Instant, OwnText, S3Uid, SearchText, Secret } from './scalars.ts'
import { type Scope, scopes } from './scopes.ts'

/** Names in one list of a token. */
const MAX_NAMES = 50

/** Id of a token, or of a session. */
const Id = (what: string) => OwnText(22, '^[A-Za-z0-9_-]{22}$', `Id of the ${what}, which is no credential.`)

const TokenName = SearchText(64, 'What the token is for. Lists show it.')

export const OneScope = Type.Unsafe<Scope>(oneOf([...scopes], { description: 'A scope.' }))

const Scopes = Type.Array(OneScope, {
  minItems: 1,
  maxItems: scopes.length,
  uniqueItems: true,
  description: 'What the token may do: scopes of its maker.'
})

const Accounts = Type.Array(S3Uid, {
  minItems: 1,
  maxItems: MAX_NAMES,
  uniqueItems: true,
  description: 'The only accounts of the token. Default: those of its maker.'
})

/** A bucket as `s3uid/bucket`. */
export const BucketOfAccount = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}/(?!\\.{1,2}$)[^/\\u0000-\\u001f\\u007f\\ud800-\\udfff]{1,255}$',
  minLength: 3,
  maxLength: 320,
  description: 'A bucket of an account, `s3uid/bucket`.'
})

const Buckets = Type.Array(BucketOfAccount, {
  minItems: 1,
  maxItems: MAX_NAMES,
  uniqueItems: true,
  description: 'The only buckets of the token. Default: those of its maker.'
})

const PathPrefix = Type.String({
  pattern: '^[^\\u0000\\ud800-\\udfff]*/$',
  minLength: 2,
  maxLength: 1024,
  description: 'The beginning of every path of the token, byte by byte. Default: that of its maker.'
})

export type NewToken = Static<typeof NewToken>
export const NewToken = model('NewToken', 'What a new token may do. What is left out is as its maker has it.', {
  name: TokenName,
  scopes: Scopes,
  accounts: Type.Optional(Accounts),
  buckets: Type.Optional(Buckets),
  pathPrefix: Type.Optional(PathPrefix),
  expiresInSeconds: Type.Integer({
    minimum: 60,
    maximum: 86_400,
    description: 'Lifetime, in seconds. It must not be longer than that of the credential that makes the token.'
  })
})

const ExpiresAt = describe(Instant, 'Latest end of the token. It ends earlier with the credential that made it.')

export type Token = Static<typeof Token>
export const Token = model('Token', 'A token of the gateway, without the token itself.', {
  tokenId: Id('token'),
  name: TokenName,
  scopes: Scopes,
  accounts: Type.Optional(Accounts),
  buckets: Type.Optional(Buckets),
  pathPrefix: Type.Optional(PathPrefix),
  createdAt: describe(Instant, 'When the token was made.'),
  expiresAt: ExpiresAt,
  lastUsedAt: Type.Optional(describe(Instant, 'Last use, to the hour. Missing until the token is used.')),
  madeBy: oneOf(['session', 'bearer', 'service', 'token'], {
    description: 'The credential of the maker. `bearer`: a HOSTKEY token. `token`: such a token.'
  })
})

export type CreatedToken = Static<typeof CreatedToken>
export const CreatedToken = model('CreatedToken', 'A new token. `GET /tokens` lists what it may do.', {
  token: annotate(Secret('The token, shown once: send `Authorization: Bearer hkt_…`.'), {
    pattern: '^hkt_[A-Za-z0-9_-]{66}$'
  }),
  tokenId: Id('token'),
  expiresAt: ExpiresAt
})

export type TokenList = Static<typeof TokenList>
export const TokenList = model('TokenList', 'The live tokens that the caller may see, the newest first.', {
  items: Type.Array(ref(Token), { maxItems: 1000, description: 'The tokens.' })
})

export const TokenPath = Type.Object({ tokenId: Id('token') })

export type ListedSession = Static<typeof ListedSession>
export const ListedSession = model('ListedSession', 'A session of the customer.', {
  sessionId: Id('session'),
  createdAt: describe(Instant, 'When the session began.'),
  lastUsedAt: describe(Instant, 'Last use, to five minutes.'),
  network: Type.Optional(
    OwnText(43, '^[0-9a-f.:]+/(24|64)$', 'Network of the login: 24 bits of an IPv4 address, 64 of an IPv6 address.')
  ),
  userAgent: Type.Optional(OwnText(32, '^[a-z]+$', 'Family of the program that logged in, such as `firefox`.')),
  isCurrent: Type.Boolean({ description: 'Is it the session of this request?' })
})

export type SessionList = Static<typeof SessionList>
export const SessionList = model('SessionList', 'The live sessions of the customer, the newest first.', {
  items: Type.Array(ref(ListedSession), { maxItems: 100, description: 'The sessions.' })
})

export const SessionPath = Type.Object({ sessionId: Id('session') })
