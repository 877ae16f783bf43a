import type { Scope } from '../scopes.ts'
import { DONE, type Example, NO_LOGINS, UNKNOWN_TOKEN } from './example.ts'

const times = { createdAt: '2026-11-22T12:00:00.000Z', expiresAt: '2026-11-22T13:00:00.000Z' }
const scopes: Scope[] = ['buckets:read', 'files:read', 'files:download']
const madeBy: 'bearer' = 'bearer'

/** A token that the gateway lists in front of the embedded sandbox. */
export const demoToken = {
  tokenId: 'A9hfo2YF6CVacIm8HQH4qE',
  name: 'partner: reads the logs',
  scopes,
  buckets: ['s3_user_1/logs'],
  ...times,
  madeBy
}

/** And a session. */
export const demoSession = {
  sessionId: 'YkLHiDpZJ-mJufjXmL6BYe',
  createdAt: '2026-11-22T12:00:00.000Z',
  lastUsedAt: '2026-11-22T12:00:00.000Z',
  network: '192.0.2.0/24',
  userAgent: 'firefox',
  isCurrent: false
}

const { tokenId, expiresAt, name, buckets } = demoToken

const problems = { 'invalid-token': UNKNOWN_TOKEN, 'upstream-unavailable': NO_LOGINS }
// As for deleteSessions: only the bulkhead can refuse what ends a credential.
const overloaded = { overloaded: { detail: 'Too many requests are waiting for HOSTKEY.' } }
const notLimited = { 'insufficient-scope': { detail: 'This operation reaches more than single buckets.' } }
export const tokens: Record<string, Example> = {
  createToken: {
    body: { name, scopes, buckets, expiresInSeconds: 3600 },
    replies: {
      201: {
        value: { token: `hkt_${'A'.repeat(22)}_${'B'.repeat(43)}`, tokenId, expiresAt },
        varies: ['/token', '/tokenId', '/expiresAt']
      }
    },
    problems: {
      ...problems,
      'scope-exceeds-caller': { detail: 'The maker of the token does not have the scope admin.' },
      'too-many-tokens': { detail: 'A token is at most 5 steps away from the first credential.' }
    }
  },
  listTokens: {
    replies: { 200: { value: { items: [demoToken] }, varies: ['/items/0/createdAt', '/items/0/expiresAt'] } },
    problems
  },
  deleteToken: {
    parameters: { tokenId: demoToken.tokenId },
    replies: DONE,
    problems: { ...problems, ...overloaded, 'token-not-found': { detail: 'The caller has no such token.' } }
  },
  listSessions: {
    replies: {
      200: { value: { items: [demoSession] }, varies: ['/items/0/createdAt', '/items/0/lastUsedAt'] }
    },
    problems: { ...problems, ...notLimited }
  },
  deleteSessionById: {
    parameters: { sessionId: demoSession.sessionId },
    replies: DONE,
    problems: {
      ...problems,
      ...notLimited,
      ...overloaded,
      'session-not-found': { detail: 'The customer has no such session.' }
    }
  }
}
