import { Type } from 'typebox'

const Line = (description: string, example: string, pattern: string) => {
  const annotations = { description, examples: [example] }
  return { ...Type.String({ maxLength: 8192, pattern }), ...annotations }
}

/** The headers of our replies, except those that HTTP itself requires: components of openapi.yaml. */
export const headers = {
  'Access-Control-Allow-Origin': Line(
    'Origin of the calling page, if the operator allows it.',
    'https://panel.example.com',
    '^(\\*|[a-z][a-z0-9+.-]*://[^\\s/]+)$'
  ),
  Allow: Line('Methods that the path supports.', 'GET, POST', '^[A-Z]+(, [A-Z]+)*$'),
  Deprecation: Line('Since when the operation is deprecated (RFC 9745).', '@1688169599', '^@\\d+$'),
  ETag: Line(
    'Version of the reply. Send it as `If-None-Match` to get 304 while nothing has changed.',
    'W/"1f-2Zk8Q"',
    '^(W/)?"[^"\\s]+"$'
  ),
  'Idempotency-Replayed': Line(
    '`true` when this is the recorded reply to an earlier request with the same key.',
    'true',
    '^true$'
  ),
  Link: Line(
    'Address of the next page, `rel="next"` (RFC 8288); absent on the last page.',
    '</accounts?cursor=x>; rel="next"',
    '^<[^<>\\s]+>; rel="next"$'
  ),
  Location: Line('Address of the created resource.', '/accounts/s3_user_12345', '^/\\S+$'),
  RateLimit: Line(
    'For each limit that applies: `r`, the requests left, and `t`, the seconds until the window ends.',
    '"ip";r=1199;t=60, "caller";r=599;t=60',
    '^"[a-z-]+";r=\\d+;t=\\d+(, "[a-z-]+";r=\\d+;t=\\d+)*$'
  ),
  'RateLimit-Policy': Line(
    'For each limit that applies: `q`, the requests allowed, and `w`, the length of the window in seconds.',
    '"ip";q=1200;w=60, "caller";q=600;w=60',
    '^"[a-z-]+";q=\\d+;w=\\d+(, "[a-z-]+";q=\\d+;w=\\d+)*$'
  ),
  'Retry-After': Line('Seconds to wait before the next attempt.', '5', '^[1-9]\\d*$'),
  'Server-Timing': Line(
    'Time in milliseconds: `queue` for a slot, `upstream` at HOSTKEY, and `total`.',
    'queue;dur=0.0, upstream;dur=41.7, total;dur=43.2',
    '^[a-z]+;dur=[\\d.]+(, [a-z]+;dur=[\\d.]+)*$'
  ),
  'Set-Cookie': Line(
    'The session cookie, or the instruction to delete it.',
    '__Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict',
    '^__Host-Http-session=[^;\\s]*; .+$'
  ),
  Sunset: Line(
    'When the operation will end (RFC 8594).',
    'Sun, 11 Nov 2029 23:59:59 GMT',
    '^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$'
  ),
  'WWW-Authenticate': Line('How to authenticate.', 'Bearer realm="hostkey-s3-gateway"', '^Bearer realm="[^"]+".*$'),
  'X-Request-Id': Line(
    'Id of the request: the one that the caller sent, or one that the gateway generated.',
    'req-7f3a',
    '^[A-Za-z0-9._-]{1,64}$'
  )
}

/** The header of a conditional request. */
export const VersionHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({
      maxLength: 4096,
      pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]*$',
      description:
        'One or more `ETag` values of earlier replies, or `*`. The reply is 304 while one of them is current.'
    })
  )
})

export type HeaderName = keyof typeof headers
