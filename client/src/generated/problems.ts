// Generated from openapi.yaml by `npm run generate`; do not edit.

/** The status of every problem of the gateway. */
export const statusOf = {
  'account-not-found': 404,
  'account-state-unknown': 502,
  'api-key-login-unavailable': 403,
  'body-too-large': 413,
  'bucket-exists': 409,
  'bucket-not-empty': 409,
  'bucket-not-found': 404,
  'confirmation-mismatch': 412,
  'confirmation-required': 428,
  'csrf-rejected': 403,
  'customer-not-found': 404,
  'draining': 503,
  'endpoint-not-configured': 501,
  'file-not-found': 404,
  'file-path-encoding': 400,
  'file-path-required': 400,
  'forbidden': 403,
  'headers-too-large': 431,
  'https-required': 403,
  'idempotency-in-progress': 409,
  'idempotency-key-required': 400,
  'idempotency-key-reused': 422,
  'insufficient-scope': 403,
  'internal': 500,
  'invalid-bucket-name': 422,
  'invalid-credentials': 401,
  'invalid-cursor': 400,
  'invalid-request': 400,
  'invalid-token': 401,
  'job-not-found': 404,
  'job-not-resumable': 409,
  'job-running': 409,
  'limit-reached': 409,
  'location-not-offered': 422,
  'malformed-url': 400,
  'method-not-allowed': 405,
  'not-acceptable': 406,
  'order-not-found': 404,
  'overloaded': 503,
  'path-not-presignable': 422,
  'payment-required': 402,
  'plan-not-found': 404,
  'plan-not-orderable': 422,
  'price-changed': 409,
  'probable-duplicate-order': 409,
  'rate-limited': 429,
  'route-not-found': 404,
  'session-expired': 401,
  'store-unavailable': 503,
  'switched-off': 403,
  'two-factor-required': 403,
  'unauthenticated': 401,
  'unsupported-media-type': 415,
  'upstream-bad-response': 502,
  'upstream-refused': 502,
  'upstream-storage-error': 502,
  'upstream-throttled': 503,
  'upstream-timeout': 504,
  'upstream-unavailable': 503,
  'upstream-unreachable': 502,
  'uri-too-long': 414
} as const

/** The problems of each operation. */
export interface ProblemsByOperation {
  getLiveness: 'headers-too-large' | 'internal' | 'invalid-request' | 'malformed-url' | 'uri-too-long'
  getReadiness: 'headers-too-large' | 'internal' | 'invalid-request' | 'malformed-url' | 'uri-too-long'
  getProblemPage: 'headers-too-large' | 'internal' | 'invalid-request' | 'malformed-url' | 'rate-limited' | 'route-not-found' | 'uri-too-long'
  createSession: 'api-key-login-unavailable' | 'body-too-large' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'https-required' | 'internal' | 'invalid-credentials' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'overloaded' | 'payment-required' | 'rate-limited' | 'store-unavailable' | 'two-factor-required' | 'unsupported-media-type' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  deleteSession: 'body-too-large' | 'csrf-rejected' | 'draining' | 'headers-too-large' | 'internal' | 'invalid-request' | 'malformed-url' | 'rate-limited' | 'store-unavailable' | 'unsupported-media-type' | 'uri-too-long'
  getSession: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  deleteSessions: 'body-too-large' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  listAccounts: 'account-not-found' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  createAccount: 'account-not-found' | 'account-state-unknown' | 'body-too-large' | 'bucket-exists' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'forbidden' | 'headers-too-large' | 'idempotency-in-progress' | 'idempotency-key-reused' | 'insufficient-scope' | 'internal' | 'invalid-bucket-name' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'location-not-offered' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'plan-not-orderable' | 'probable-duplicate-order' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  getAccount: 'account-not-found' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  deleteAccount: 'account-not-found' | 'body-too-large' | 'confirmation-mismatch' | 'confirmation-required' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listBuckets: 'account-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  createBucket: 'account-not-found' | 'body-too-large' | 'bucket-exists' | 'bucket-not-empty' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-bucket-name' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  deleteBucket: 'account-not-found' | 'body-too-large' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listFiles: 'account-not-found' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-cursor' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  deleteFile: 'account-not-found' | 'body-too-large' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'file-not-found' | 'file-path-encoding' | 'file-path-required' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  streamFiles: 'account-not-found' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-cursor' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  summarizeFolder: 'account-not-found' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  deleteFileByPath: 'account-not-found' | 'body-too-large' | 'bucket-not-empty' | 'bucket-not-found' | 'csrf-rejected' | 'draining' | 'file-not-found' | 'file-path-encoding' | 'file-path-required' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  createFileDeletion: 'account-not-found' | 'body-too-large' | 'bucket-not-found' | 'confirmation-mismatch' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'idempotency-key-reused' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'job-running' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listJobs: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-cursor' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  getJob: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  cancelJob: 'body-too-large' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  listJobResults: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-cursor' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  streamJobResults: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-cursor' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  streamJobEvents: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  resumeJob: 'body-too-large' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'job-not-found' | 'job-not-resumable' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
  getKey: 'account-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  createPresignedUrl: 'account-not-found' | 'body-too-large' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'endpoint-not-configured' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'path-not-presignable' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'switched-off' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  getConnection: 'account-not-found' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'endpoint-not-configured' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  getUsage: 'account-not-found' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listUsage: 'account-not-found' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listPlans: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  getPlan: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'plan-not-found' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  listPlanHistory: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'plan-not-found' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  createOrder: 'account-not-found' | 'body-too-large' | 'bucket-exists' | 'bucket-not-empty' | 'csrf-rejected' | 'customer-not-found' | 'draining' | 'forbidden' | 'headers-too-large' | 'idempotency-in-progress' | 'idempotency-key-required' | 'idempotency-key-reused' | 'insufficient-scope' | 'internal' | 'invalid-bucket-name' | 'invalid-request' | 'invalid-token' | 'limit-reached' | 'location-not-offered' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'plan-not-orderable' | 'price-changed' | 'probable-duplicate-order' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  checkOrder: 'body-too-large' | 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-bucket-name' | 'invalid-request' | 'invalid-token' | 'location-not-offered' | 'malformed-url' | 'not-acceptable' | 'overloaded' | 'payment-required' | 'plan-not-orderable' | 'price-changed' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'unauthenticated' | 'unsupported-media-type' | 'upstream-bad-response' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-throttled' | 'upstream-timeout' | 'upstream-unavailable' | 'upstream-unreachable' | 'uri-too-long'
  getOrder: 'csrf-rejected' | 'draining' | 'forbidden' | 'headers-too-large' | 'insufficient-scope' | 'internal' | 'invalid-request' | 'invalid-token' | 'malformed-url' | 'not-acceptable' | 'order-not-found' | 'overloaded' | 'payment-required' | 'rate-limited' | 'session-expired' | 'store-unavailable' | 'two-factor-required' | 'unauthenticated' | 'upstream-refused' | 'upstream-storage-error' | 'upstream-unavailable' | 'uri-too-long'
}
