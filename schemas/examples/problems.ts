import type { ProblemName } from '../problems.ts'
import type { ProblemExample } from './example.ts'

/** A related order: under another key, or an earlier request with the same key. Its id differs at each run. */
export const otherOrder = { order: '/orders/0d3a1c52-9e1f-4b60-8a77-5c2e6f1b9d04' }

/**
 * Text of each problem that the gateway raises itself. `{scope}` and `{types}` stand for those of the operation.
 * Refusals by HOSTKEY are declared with the actions; texts of a single operation stand with its example.
 */
export const commonProblems: Partial<Record<ProblemName, ProblemExample>> = {
  'invalid-request': {
    detail: 'The request is not valid; nothing was sent to HOSTKEY.',
    errors: [{ in: 'query', parameter: 'colour', code: 'unknown-member', detail: 'is unknown' }]
  },
  'malformed-url': { detail: 'The query is not percent-encoded UTF-8.' },
  'uri-too-long': { detail: 'The URL is longer than 8 KiB.' },
  'body-too-large': { detail: 'The body is larger than 16 KiB.' },
  'unsupported-media-type': { detail: 'The body must be application/json.' },
  // The operation is not known yet, so reads and writes alike get an outcome.
  'headers-too-large': { detail: 'The headers, or the URL, are larger than 16 KiB.', outcome: 'not-applied' },
  'not-acceptable': { detail: 'This operation answers in {types}.' },

  unauthenticated: { detail: 'Neither Authorization nor a session cookie was sent.' },
  'invalid-token': { detail: 'HOSTKEY does not accept the token.' },
  'session-expired': { detail: 'The session has ended: log in again.' },
  'csrf-rejected': { detail: 'The header `X-CSRF: 1` is missing.' },
  'https-required': {
    detail:
      'Browsers do not keep the session cookie over plain http, except on localhost: serve the gateway over https, and set PUBLIC_URL to that address.'
  },
  'insufficient-scope': { detail: 'This operation needs the scope {scope}.' },
  'two-factor-required': { detail: 'HOSTKEY waits for the second factor.' },

  'switched-off': { detail: 'The operator has switched uploads off.' },
  'endpoint-not-configured': { detail: 'The operator has configured no endpoint for storage at NL.' },

  'idempotency-in-progress': {
    detail: 'The same request is still running.',
    links: otherOrder,
    varies: ['/links/order']
  },
  'idempotency-key-reused': { detail: 'The key belongs to another request.' },
  'probable-duplicate-order': {
    detail: 'Another key has already ordered this bucket name.',
    links: otherOrder,
    varies: ['/links/order']
  },

  'rate-limited': { detail: 'More than 1200 requests in 60 s for the limit `ip`.' },
  overloaded: { detail: 'The gateway is overloaded.' },
  draining: { detail: 'This replica is shutting down; nothing was sent to HOSTKEY.' },
  'store-unavailable': { detail: 'The session store does not answer.' },
  internal: { detail: 'Something went wrong in the gateway.' },

  'upstream-unreachable': { detail: 'HOSTKEY could not be reached; nothing was sent.' },
  'upstream-timeout': { detail: 'HOSTKEY did not answer in time.' },
  'upstream-unavailable': { detail: 'Recent calls to HOSTKEY failed; this one was not sent.' }
}

/** Requests that match no operation, and their problems. */
export const unrouted = {
  // With ACCOUNT_DELETION=off.
  'switched-off': {
    request: { method: 'DELETE', path: '/accounts/s3_user_1' },
    detail: 'The operator has switched this operation off.',
    headers: {}
  },
  'route-not-found': {
    request: { method: 'GET', path: '/nowhere' },
    detail: 'There is no such route.',
    headers: {}
  },
  'method-not-allowed': {
    request: { method: 'PUT', path: '/accounts' },
    detail: 'The methods of this path are GET, HEAD, POST, OPTIONS.',
    headers: { Allow: 'GET, HEAD, POST, OPTIONS' }
  }
} as const
