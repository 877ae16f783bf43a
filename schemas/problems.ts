import { Type } from 'typebox'
import { model, oneOf } from './model.ts'
import { OwnText, Text } from './scalars.ts'

/**
 * May a caller send the same request again?
 * `safe`: yes, if nothing was applied. `never`: the result would be the same, or a person has to check first.
 */
export type Repeat = 'safe' | 'never'

interface Entry {
  readonly status: number
  readonly title: string
  readonly repeat: Repeat
  /** What the caller should do: text of the problem's page. */
  readonly help: string
}

const entry = (status: number, title: string, help: string, repeat: Repeat = 'never') =>
  ({ status, title, help, repeat }) satisfies Entry

/** Help for a failure that can follow a write of unknown outcome. */
const CHECK_BEFORE_RETRY =
  'A read can be repeated. After a write, check `outcome` and the resource first. An order keeps its recorded failure under its key: use a new key.'

/** Every way a request can fail. The name is stable, and each has a page at `/problems/{name}`. */
export const problems = {
  'invalid-request': entry(
    400,
    'Invalid request',
    'Correct the request: each entry of `errors` names one fault and its place. Nothing was sent to HOSTKEY.'
  ),
  'malformed-url': entry(400, 'Malformed URL', 'Percent-encode reserved characters as UTF-8, and send no `#`.'),
  'file-path-required': entry(
    400,
    'File path required',
    'Name the file: `DELETE …/files?path=` or `DELETE …/files/{path}`. A missing path never means "all files".'
  ),
  'file-path-encoding': entry(
    400,
    'Invalid encoding of the file path',
    'Send 1 to 1024 bytes of UTF-8 without NUL, percent-encoded once, either in the URL path or as `?path=`.'
  ),
  'invalid-cursor': entry(
    400,
    'Invalid cursor',
    'Send `nextCursor` of the previous page unchanged, for the same bucket and the same `search`, or start again without a cursor.'
  ),
  'idempotency-key-required': entry(
    400,
    'Idempotency-Key required',
    'Send the header `Idempotency-Key` with a new random value for each order, and with the same value for each retry.'
  ),
  unauthenticated: entry(
    401,
    'Authentication required',
    'Send `Authorization: Bearer` with a HOSTKEY token or a service credential. A web page logs in with `POST /session`; an earlier session may have ended.'
  ),
  'session-expired': entry(401, 'Session expired', 'Log in again.'),
  'invalid-token': entry(
    401,
    'Invalid or expired token',
    'HOSTKEY does not accept the token: get a new one. The secret of a service (`hks_…`) is not known to HOSTKEY: ask the operator of the gateway for a new one. A token of the gateway (`hkt_…`) ends with what made it: ask whoever made it.'
  ),
  'invalid-credentials': entry(
    401,
    'Invalid credentials',
    'Check the API key, or the e-mail address and the password.'
  ),
  'payment-required': entry(
    402,
    'Payment required',
    'Nothing was created. Check the credit and the open invoices at HOSTKEY: one may exist already. After topping up, order again with a new `Idempotency-Key`: the same key gives the same answer.'
  ),
  forbidden: entry(
    403,
    'Forbidden by HOSTKEY',
    'The credential is valid but lacks the permission: check the role, the scope of the API key and its list of allowed addresses.'
  ),
  'csrf-rejected': entry(403, 'Cross-site request rejected', 'Send `X-CSRF: 1` from an allowed origin.'),
  'https-required': entry(
    403,
    'Login needs https',
    'Open the gateway over https, or on localhost: over plain http no browser keeps the session cookie. The operator serves it over https and sets `PUBLIC_URL` to that address.'
  ),
  'insufficient-scope': entry(
    403,
    'Insufficient scope',
    'The caller lacks the scope that `detail` names. Use another credential, or ask the operator to add the scope.'
  ),
  'scope-exceeds-caller': entry(
    403,
    'Token would exceed its maker',
    'A token has at most the scopes, accounts, buckets, paths and lifetime of the credential that makes it: ask for less.'
  ),
  'switched-off': entry(
    403,
    'Operation switched off',
    'The operator of this gateway does not offer this operation; `/openapi.json` of the gateway lists those that it offers.'
  ),
  'api-key-login-unavailable': entry(
    403,
    'API key login not available',
    'HOSTKEY refuses API keys of customers without servers. Log in with e-mail address and password.'
  ),
  'two-factor-required': entry(
    403,
    'Second factor required',
    'Log in at HOSTKEY with the second factor, and use that token.'
  ),
  'route-not-found': entry(404, 'Route not found', 'See `/docs` for the operations.'),
  'account-not-found': entry(
    404,
    'Account not found',
    'The account does not exist, or it belongs to another customer. `GET /accounts` lists yours.'
  ),
  'bucket-not-found': entry(404, 'Bucket not found', 'Use a name exactly as `GET /accounts/{s3uid}/buckets` lists it.'),
  'file-not-found': entry(
    404,
    'File not found',
    'Use `path` exactly as the list returns it. Paths are compared byte for byte.'
  ),
  'plan-not-found': entry(404, 'Plan not found', '`GET /plans` lists the available plans.'),
  'customer-not-found': entry(
    404,
    'Customer not found',
    'HOSTKEY does not know the customer, or the token belongs to no customer.'
  ),
  'job-not-found': entry(
    404,
    'Job not found',
    'List the jobs with `GET /jobs`. A job is removed 7 days after its end.'
  ),
  'token-not-found': entry(
    404,
    'Token not found',
    'It has ended, or the caller may not see it. `GET /tokens` lists those that it may.'
  ),
  'session-not-found': entry(404, 'Session not found', 'It has ended. `GET /sessions` lists the live ones.'),
  'order-not-found': entry(
    404,
    'Order not found',
    'The gateway keeps orders for 30 days, and shows them only to the customer who placed them.'
  ),
  'method-not-allowed': entry(405, 'Method not allowed', 'The header `Allow` lists the methods of this path.'),
  'not-acceptable': entry(406, 'No acceptable media type', 'Send `Accept: application/json`, or no `Accept`.'),
  'bucket-exists': entry(409, 'Bucket name already taken', 'Choose another name.'),
  'bucket-not-empty': entry(
    409,
    'Bucket not empty',
    'Delete its files first: `POST` to `links.empty`, with `all` and `confirm`.'
  ),
  'job-running': entry(
    409,
    'Another job is running',
    'A job works on this bucket: see `links.job`. Wait for its end, or cancel it.'
  ),
  'job-not-resumable': entry(409, 'Job not resumable', 'Only a paused job can be resumed.'),
  'not-a-paid-account': entry(
    409,
    'Not a paid account',
    'HOSTKEY finds no active service that bills the account. Delete a free account with `DELETE /accounts/{s3uid}`.'
  ),
  'limit-reached': entry(
    409,
    'HOSTKEY limit reached',
    'The plan or the customer has reached its limit. Delete something, or ask HOSTKEY for more.'
  ),
  'too-many-tokens': entry(
    409,
    'Too many tokens',
    'End tokens that are not needed, or make this one from the first credential: a token is at most 5 steps away from it.'
  ),
  'idempotency-in-progress': entry(
    409,
    'Request in progress',
    'The first request with this key is still running. Wait for `Retry-After` seconds, then send the same request with the same key.',
    'safe'
  ),
  'price-changed': entry(409, 'Price changed', 'Read the plan again and confirm the new price. Nothing was ordered.'),
  'probable-duplicate-order': entry(
    409,
    'Probable duplicate order',
    'Another key has ordered an account for this bucket name within the last day: see `links.order`. For a second account choose another bucket name.'
  ),
  'confirmation-mismatch': entry(
    412,
    'Confirmation does not match',
    '`Confirm-Delete` must be exactly the name in the URL.'
  ),
  'body-too-large': entry(413, 'Request body too large', 'Send at most 16 KiB.'),
  'uri-too-long': entry(414, 'URL too long', 'Send at most 8 KiB.'),
  'unsupported-media-type': entry(415, 'Unsupported media type', 'Send `Content-Type: application/json`.'),
  'plan-not-orderable': entry(
    422,
    'Plan not available for this operation',
    'Choose a plan of `GET /plans`: a free one for `POST /accounts`, a paid one for `POST /orders`.'
  ),
  'location-not-offered': entry(422, 'Plan not available at this location', 'Choose one of the locations in `detail`.'),
  'invalid-bucket-name': entry(
    422,
    'Invalid bucket name',
    'Choose a simple name: 3 to 53 of a-z, 0-9 and hyphen. The gateway or HOSTKEY refuses the name.'
  ),
  'path-not-presignable': entry(
    422,
    'File path without a URL',
    'A segment of the path is `.` or `..`: every client would rewrite the URL, and it would name another file. Store the file under another path.'
  ),
  'idempotency-key-reused': entry(422, 'Idempotency-Key used for another request', 'Use a new key for each order.'),
  'confirmation-required': entry(
    428,
    'Confirmation required',
    'Send the header `Confirm-Delete` with the name in the URL.'
  ),
  'rate-limited': entry(429, 'Too many requests', 'Wait for `Retry-After` seconds.', 'safe'),
  'headers-too-large': entry(431, 'Request headers too large', 'Send at most 16 KiB.'),
  internal: entry(500, 'Internal error', 'This is a fault of the gateway. Report `instance`, the id of the request.'),
  'endpoint-not-configured': entry(
    501,
    'No endpoint configured',
    'The operator of the gateway sets the endpoint of this location with `STORAGE_ENDPOINTS`.'
  ),
  'not-offered-upstream': entry(
    501,
    'Not offered by HOSTKEY',
    'HOSTKEY does not know this action: end the service in its portal, or ask its support.'
  ),
  'upstream-refused': entry(
    502,
    'Unknown refusal by HOSTKEY',
    'The gateway does not know this refusal; whether a retry can succeed is unknown. Give `upstream.reference` to the operator, who finds the text of HOSTKEY under it in the log.'
  ),
  'upstream-bad-response': entry(502, 'Invalid response from HOSTKEY', CHECK_BEFORE_RETRY, 'safe'),
  'upstream-unreachable': entry(502, 'HOSTKEY unreachable', 'Nothing was sent. Try again later.', 'safe'),
  'upstream-storage-error': entry(502, 'Storage error at HOSTKEY', CHECK_BEFORE_RETRY, 'safe'),
  'account-state-unknown': entry(
    502,
    'Account may have been created',
    'HOSTKEY created an account and then failed, or its answer was lost. With an `Idempotency-Key` send the same request with the same key. Without one check `GET /accounts` first.'
  ),
  overloaded: entry(503, 'Gateway overloaded', 'Wait for `Retry-After` seconds.', 'safe'),
  'upstream-unavailable': entry(503, 'HOSTKEY is failing; calls are paused', 'Wait for `Retry-After` seconds.', 'safe'),
  'store-unavailable': entry(
    503,
    'Store unavailable',
    'The gateway cannot reach the store of its sessions and orders. Sessions are not lost. Wait for `Retry-After` seconds.',
    'safe'
  ),
  'upstream-throttled': entry(503, 'Rate limit of HOSTKEY reached', 'Wait for `Retry-After` seconds.', 'safe'),
  draining: entry(503, 'Replica shutting down', 'Send the request again: another replica answers.', 'safe'),
  'upstream-timeout': entry(504, 'HOSTKEY timed out', CHECK_BEFORE_RETRY, 'safe')
} as const satisfies Record<string, Entry>

export type ProblemName = keyof typeof problems

export const problemNames = Object.keys(problems) as ProblemName[]

export const isProblemName = (name: string): name is ProblemName => Object.hasOwn(problems, name)

/** Effect of a write that failed. */
export type Outcome = 'applied' | 'not-applied' | 'partial' | 'unknown'

/** What is wrong with a member or a parameter. The code is stable; the sentence beside it may change. */
export const faultCodes = [
  'missing',
  'unknown-member',
  'wrong-type',
  'too-short',
  'too-long',
  'too-small',
  'too-large',
  'too-few',
  'too-many',
  'pattern',
  'not-listed',
  'one-of',
  'repeated',
  'mismatch',
  'not-allowed',
  'unreadable'
] as const

export type FaultCode = (typeof faultCodes)[number]

/** RFC 9457, with the members that a program needs to choose its next step. */
export const ProblemDetails = model('Problem', 'A failure, RFC 9457.', {
  type: Type.String({
    format: 'uri-reference',
    maxLength: 2048,
    description: 'Address of the page of this problem.'
  }),
  name: oneOf(problemNames, { description: 'Name of the problem: stable.' }),
  title: OwnText(200, '^[A-Z][^\\u0000-\\u001f]+$', 'Short text, the same for every occurrence of the problem.'),
  status: Type.Integer({ minimum: 400, maximum: 599, description: 'HTTP status.' }),
  detail: Text(1000, 'What happened in this request.'),
  instance: OwnText(64, '^[A-Za-z0-9._-]{1,64}$', 'Id of the request, as in `X-Request-Id`.'),
  retryable: Type.Boolean({ description: 'True when the same request can be sent again.' }),
  errors: Type.Optional(
    Type.Array(
      Type.Object(
        {
          in: oneOf(['body', 'query', 'path', 'header'], { description: 'Where the fault is.' }),
          pointer: Type.Optional(Text(512, 'JSON pointer to the member of the body.')),
          parameter: Type.Optional(Text(256, 'Name of the parameter or header.')),
          code: oneOf([...faultCodes], { description: 'What is wrong: stable.' }),
          detail: Text(512, 'What is wrong, as a text for people.')
        },
        { additionalProperties: false }
      ),
      { maxItems: 100, description: 'One entry for each fault.' }
    )
  ),
  outcome: Type.Optional(
    oneOf(['applied', 'not-applied', 'partial', 'unknown'], {
      description:
        'Effect of a write that failed. `not-applied`: no effect. `applied`: the write took effect. `partial`: HOSTKEY created something and then failed. `unknown`: the effect is unknown; check the resource before you send the request again.'
    })
  ),
  upstream: Type.Optional(
    Type.Object(
      {
        action: OwnText(64, '^[a-z0-9_]+$', 'Action of HOSTKEY.'),
        message: Type.Optional(Text(512, 'Text of HOSTKEY, where the gateway knows its wording.')),
        reference: Type.Optional(
          OwnText(
            12,
            '^[0-9a-f]{12}$',
            'Stands for a text of HOSTKEY that the gateway does not know. The operator finds the text under it in the log.'
          )
        )
      },
      { additionalProperties: false, description: 'Refusal by HOSTKEY.' }
    )
  ),
  links: Type.Optional(
    Type.Record(Type.String({ pattern: '^[a-z]{1,32}$' }), OwnText(2048, '^\\S+$', 'Address.'), {
      description: 'Related resources.'
    })
  )
})

/** Why a job, an order or a file of a job failed: a part of a success. */
export const FailureReason = model('FailureReason', 'Why something failed that a reply reports.', {
  name: OwnText(64, '^[a-z-]+$', 'Name of the problem.'),
  status: Type.Integer({ minimum: 400, maximum: 599, description: 'HTTP status of the problem.' }),
  detail: Text(1000, 'What happened.')
})
