import { meaningOf } from '../refusals.ts'
import { DONE, type Example, NO_LOGINS, UNKNOWN_TOKEN } from './example.ts'

const scopes = [
  'accounts:read',
  'accounts:write',
  'accounts:delete',
  'buckets:read',
  'buckets:write',
  'files:read',
  'files:delete',
  'files:download',
  'files:upload',
  'keys:read',
  'orders:write',
  'plans:read'
]

const session = { expiresAt: '2026-11-22T20:00:00.000Z', customerId: 1002, email: 'demo@example.com' }

export const sessions: Record<string, Example> = {
  createSession: {
    parameters: { 'x-csrf': '1' },
    // Key of the sandbox's demo customer; valid nowhere else.
    body: { apiKey: '0123456789abcdef-fedcba9876543210' },
    replies: { 201: { value: { ...session, role: 'Customer billing', scopes }, varies: ['/expiresAt'] } },
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'invalid-credentials': {
        detail: meaningOf('invalid-credentials'),
        upstream: { action: 'login', message: 'Invalid key' }
      },
      'upstream-unavailable': NO_LOGINS
    }
  },
  getSession: {
    replies: { 200: { value: { ...session, role: 'Customer', scopes }, varies: ['/expiresAt'] } },
    problems: { 'invalid-token': UNKNOWN_TOKEN, 'upstream-unavailable': NO_LOGINS }
  },
  deleteSession: { parameters: { 'x-csrf': '1' }, replies: DONE },
  deleteSessions: {
    replies: DONE,
    problems: {
      'invalid-token': UNKNOWN_TOKEN,
      'insufficient-scope': { detail: 'This operation reaches more than single buckets.' },
      'upstream-unavailable': NO_LOGINS,
      // A logout has the highest priority when load is shed, so only the bulkhead can refuse it.
      overloaded: { detail: 'Too many requests are waiting for HOSTKEY.' }
    }
  }
}
