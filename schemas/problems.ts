import { Type } from 'typebox'
import { model, oneOf } from './model.ts'
import { OwnText, Text } from './scalars.ts'

/**
 * May the same request be sent again as it is?
 * `safe`: whenever nothing was applied. `never`: the answer would be the same, or a person has to look first.
 */
export type Repeat = 'safe' | 'never'

interface Entry {
  readonly status: number
  readonly title: string
  readonly repeat: Repeat
  /** What the page of the problem tells a caller to do. */
  readonly help: string
}

const entry = (status: number, title: string, help: string, repeat: Repeat = 'never') =>
  ({ status, title, help, repeat }) satisfies Entry

/** Every way a request can fail: the name is stable, and each has a page at `/problems/{name}`. */
export const problems = {
  'invalid-request': entry(
    400,
    'The request is not valid',
    'Each entry of `errors` names one fault: where it is and what is wrong. Nothing was sent to HOSTKEY.'
  ),
  'malformed-url': entry(
    400,
    'The URL is not well formed',
    'Percent-encode every reserved character, as UTF-8, and send no `#`.'
  ),
  'file-path-required': entry(
    400,
    'The file path is missing',
    'Name the file: `DELETE …/files?path=` or `DELETE …/files/{path}`. A missing path never means "all files".'
  ),
  'file-path-encoding': entry(
    400,
    'The file path is not well encoded',
    'Send 1 to 1024 bytes of UTF-8 without NUL, percent-encoded once, in one place only: either in the URL path or as `?path=`.'
  ),
  'invalid-cursor': entry(
    400,
    'The cursor is not valid',
    'Take `nextCursor` of the last page as it is, for the same bucket and the same `search`, or start again without a cursor.'
  ),
  'idempotency-key-required': entry(
    400,
    'An idempotency key is required',
    'Send the header `Idempotency-Key` with a fresh random value for each intent, and the same value when you repeat it.'
  ),
  unauthenticated: entry(
    401,
    'No credential was sent',
    'Send `Authorization: Bearer` with a HOSTKEY token or the credential of a service. A page logs in with `POST /session`; its session may have ended.'
  ),
  'session-expired': entry(401, 'The session has ended', 'Log in again.'),
  'invalid-token': entry(
    401,
    'The token is not accepted',
    'HOSTKEY does not accept the token, or it has expired: get a new one.'
  ),
  'invalid-credentials': entry(
    401,
    'The credential is not accepted',
    'Check the API key, or the e-mail address and the password.'
  ),
  'payment-required': entry(
    402,
    'HOSTKEY asks for payment',
    'Look at the open invoices and the credit at HOSTKEY, and at `GET /accounts`, before ordering again: an invoice may exist already.'
  ),
  forbidden: entry(
    403,
    'HOSTKEY does not permit this',
    'The credential is valid but has no right to this: a role, the scope of an API key or an address list is in the way.'
  ),
  'csrf-rejected': entry(
    403,
    'The request does not come from an allowed page',
    'Send `X-CSRF: 1` from an allowed origin.'
  ),
  'insufficient-scope': entry(
    403,
    'The scope is not sufficient',
    'The operation needs a scope that this caller does not have; `detail` names it.'
  ),
  'api-key-login-unavailable': entry(
    403,
    'Login by API key is not possible for this customer',
    'HOSTKEY refuses API keys of customers without servers: log in with e-mail address and password.'
  ),
  'two-factor-required': entry(
    403,
    'A second factor is required',
    'Log in at HOSTKEY with the second factor and use that token.'
  ),
  'route-not-found': entry(404, 'There is no such route', 'See `/docs` for the operations.'),
  'account-not-found': entry(
    404,
    'There is no such account',
    'The account does not exist, or it is another customer’s. `GET /accounts` lists yours.'
  ),
  'bucket-not-found': entry(
    404,
    'There is no such bucket',
    '`GET /accounts/{s3uid}/buckets` lists the names as they are.'
  ),
  'file-not-found': entry(
    404,
    'There is no such file',
    'Take `path` of the list as it is: it is compared byte for byte.'
  ),
  'plan-not-found': entry(404, 'There is no such plan', '`GET /plans` lists the plans on offer.'),
  'customer-not-found': entry(
    404,
    'There is no such customer',
    'HOSTKEY knows no such customer, or the token belongs to none.'
  ),
  'order-not-found': entry(
    404,
    'There is no such order',
    'Orders are kept for 30 days, for the customer who placed them.'
  ),
  'method-not-allowed': entry(
    405,
    'The method is not allowed here',
    'The header `Allow` lists the methods of this path.'
  ),
  'not-acceptable': entry(406, 'No representation is acceptable', 'Accept `application/json`.'),
  'bucket-exists': entry(409, 'The bucket name is taken', 'Choose another name.'),
  'bucket-not-empty': entry(409, 'The bucket is not empty', 'Delete its files first.'),
  'limit-reached': entry(409, 'A limit at HOSTKEY is reached', 'The plan or the customer allows no more of this.'),
  'idempotency-in-progress': entry(
    409,
    'The same request is still running',
    'Wait for `Retry-After`, then send the same request with the same key.',
    'safe'
  ),
  'price-changed': entry(
    409,
    'The price has changed',
    'Read the plan again and confirm the new price. Nothing was ordered.'
  ),
  'probable-duplicate-order': entry(
    409,
    'The same order exists already',
    'An order for this bucket name was placed under another key: `links.order` leads to it. For another account choose another bucket name.'
  ),
  'confirmation-mismatch': entry(
    412,
    'The confirmation names something else',
    '`Confirm-Delete` must repeat exactly the name that the URL deletes.'
  ),
  'body-too-large': entry(413, 'The body is too large', 'Bodies of this API are smaller than 16 KiB.'),
  'uri-too-long': entry(414, 'The URL is too long', 'URLs of this API are shorter than 8 KiB.'),
  'unsupported-media-type': entry(415, 'The media type is not supported', 'Send `Content-Type: application/json`.'),
  'plan-not-orderable': entry(
    422,
    'The plan cannot be ordered here',
    'Take a plan of `GET /plans`: a free one for `POST /accounts`, a paid one for `POST /orders`.'
  ),
  'location-not-offered': entry(
    422,
    'The plan is not offered at this location',
    'Choose one of the locations that `detail` lists.'
  ),
  'invalid-bucket-name': entry(
    422,
    'HOSTKEY refuses the bucket name',
    'Choose a plain name: 3 to 53 of a-z, 0-9 and hyphen.'
  ),
  'idempotency-key-reused': entry(
    422,
    'The idempotency key was used for another request',
    'Use a fresh key for each intent.'
  ),
  'confirmation-required': entry(
    428,
    'The deletion must be confirmed',
    'Send the header `Confirm-Delete` with the name of what the URL deletes.'
  ),
  'rate-limited': entry(429, 'Too many requests', 'Wait for `Retry-After` seconds.', 'safe'),
  'headers-too-large': entry(
    431,
    'The headers are too large',
    'Headers of a request to this API are smaller than 16 KiB.'
  ),
  internal: entry(500, 'Something went wrong in the gateway', 'It is our fault: report the request id in `instance`.'),
  'upstream-refused': entry(
    502,
    'HOSTKEY refused for a reason the gateway does not know',
    '`upstream.message` holds what HOSTKEY said. Nobody knows yet whether the request can succeed.'
  ),
  'upstream-bad-response': entry(
    502,
    'HOSTKEY’s answer makes no sense',
    'A read may be repeated. After a write, look first at what has become of it. A recorded failure of an order stays under its key: use a new key.',
    'safe'
  ),
  'upstream-unreachable': entry(502, 'HOSTKEY cannot be reached', 'Nothing was sent; try again later.', 'safe'),
  'upstream-storage-error': entry(
    502,
    'HOSTKEY’s storage reports an error',
    'A read may be repeated. After a write, look first at what has become of it. A recorded failure of an order stays under its key: use a new key.',
    'safe'
  ),
  'account-state-unknown': entry(
    502,
    'The account may have been created',
    'HOSTKEY created an account and then failed, and the gateway cannot tell which. With an `Idempotency-Key` send the same request with the same key; else look at `GET /accounts` first.'
  ),
  overloaded: entry(503, 'The gateway is overloaded', 'Wait for `Retry-After` seconds.', 'safe'),
  'upstream-unavailable': entry(
    503,
    'HOSTKEY is failing; the gateway lets it rest',
    'Wait for `Retry-After` seconds.',
    'safe'
  ),
  'store-unavailable': entry(
    503,
    'The gateway’s store does not answer',
    'Sessions cannot be looked up for a moment; the session itself is not lost. Wait for `Retry-After` seconds.',
    'safe'
  ),
  'upstream-throttled': entry(503, 'HOSTKEY asks for patience', 'Wait for `Retry-After` seconds.', 'safe'),
  draining: entry(503, 'This replica is shutting down', 'Send the request again: another replica answers.', 'safe'),
  'upstream-timeout': entry(
    504,
    'HOSTKEY did not answer in time',
    'A read may be repeated. After a write, look first at what has become of it. A recorded failure of an order stays under its key: use a new key.',
    'safe'
  )
} as const satisfies Record<string, Entry>

export type ProblemName = keyof typeof problems

export const problemNames = Object.keys(problems) as ProblemName[]

export const isProblemName = (name: string): name is ProblemName => Object.hasOwn(problems, name)

/** What became of a write that failed. */
export type Outcome = 'applied' | 'not-applied' | 'partial' | 'unknown'

/** RFC 9457, with what a program needs to decide its next step. */
export const ProblemDetails = model('Problem', 'A failure, RFC 9457.', {
  type: Type.String({
    format: 'uri-reference',
    maxLength: 2048,
    description: 'Address of the page about this problem; its last segment is the name.'
  }),
  title: OwnText(200, '^[A-Z][^\\u0000-\\u001f]+$', 'The problem in a few words; the same for every occurrence.'),
  status: Type.Integer({ minimum: 400, maximum: 599, description: 'The HTTP status.' }),
  detail: Text(1000, 'What happened this time.'),
  instance: OwnText(64, '^[A-Za-z0-9._-]{1,64}$', 'Id of the request, as in `X-Request-Id`.'),
  retryable: Type.Boolean({ description: 'May the same request be sent again as it is?' }),
  errors: Type.Optional(
    Type.Array(
      Type.Object(
        {
          in: oneOf(['body', 'query', 'path', 'header'], { description: 'Where the fault is.' }),
          pointer: Type.Optional(Text(512, 'JSON pointer into the body.')),
          parameter: Type.Optional(Text(256, 'Name of the parameter or header.')),
          detail: Text(512, 'What is wrong.')
        },
        { additionalProperties: false }
      ),
      { maxItems: 100, description: 'One entry for each fault.' }
    )
  ),
  outcome: Type.Optional(
    oneOf(['applied', 'not-applied', 'partial', 'unknown'], {
      description:
        'What became of a write that failed. `not-applied`: nothing was done. `applied`: it was done all the same. `partial`: HOSTKEY made something, and then failed. `unknown`: nobody can tell; look before you send it again.'
    })
  ),
  upstream: Type.Optional(
    Type.Object(
      {
        action: OwnText(64, '^[a-z0-9_]+$', 'The action of HOSTKEY.'),
        message: Text(512, 'What HOSTKEY said, bounded and redacted.')
      },
      { additionalProperties: false, description: 'What HOSTKEY said.' }
    )
  ),
  links: Type.Optional(
    Type.Record(Type.String({ pattern: '^[a-z]{1,32}$' }), OwnText(2048, '^\\S+$', 'Address.'), {
      description: 'Where to look next.'
    })
  )
})
