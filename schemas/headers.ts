import { Type } from 'typebox'

const Line = (description: string, example: string, pattern: string) => {
  const annotations = { description, examples: [example] }
  return { ...Type.String({ maxLength: 8192, pattern }), ...annotations }
}

/** The headers of our replies, beside those that HTTP itself asks for: components of openapi.yaml. */
export const headers = {
  'Access-Control-Allow-Origin': Line(
    'Origin of the calling page, when the operator allows it; absent otherwise.',
    'https://panel.example.com',
    '^https?://[^\\s/]+$'
  ),
  Allow: Line('The methods that the path has.', 'GET, POST', '^[A-Z]+(, [A-Z]+)*$'),
  ETag: Line('Version of the reply: send it back as `If-None-Match`.', 'W/"1f-2Zk8Q"', '^(W/)?"[^"\\s]+"$'),
  'Idempotency-Replayed': Line('`true` when the reply was recorded earlier, under the same key.', 'true', '^true$'),
  Link: Line(
    'Address of the next page, `rel="next"` (RFC 8288); absent on the last page.',
    '</accounts?cursor=x>; rel="next"',
    '^<[^<>\\s]+>; rel="next"$'
  ),
  Location: Line('Address of what was made.', '/accounts/s3_user_12345', '^/\\S+$'),
  RateLimit: Line(
    'For each limit that applies: how much is left, and the seconds until it is full again.',
    '"ip";r=1199;t=60, "caller";r=599;t=60',
    '^"[a-z-]+";r=\\d+;t=\\d+(, "[a-z-]+";r=\\d+;t=\\d+)*$'
  ),
  'RateLimit-Policy': Line(
    'Those limits: how much they grant, and the seconds of their window.',
    '"ip";q=1200;w=60, "caller";q=600;w=60',
    '^"[a-z-]+";q=\\d+;w=\\d+(, "[a-z-]+";q=\\d+;w=\\d+)*$'
  ),
  'Retry-After': Line('Seconds to wait before the next try.', '5', '^[1-9]\\d*$'),
  'Server-Timing': Line(
    'Milliseconds that HOSTKEY took, and all in all.',
    'upstream;dur=41.7, total;dur=43.2',
    '^[a-z]+;dur=[\\d.]+(, [a-z]+;dur=[\\d.]+)*$'
  ),
  'Set-Cookie': Line(
    'The session cookie, or its end.',
    '__Host-Http-session=...; Path=/; Secure; HttpOnly; SameSite=Strict',
    '^__Host-Http-session=[^;\\s]*; .+$'
  ),
  'WWW-Authenticate': Line('How to authenticate.', 'Bearer realm="hostkey-s3-gateway"', '^Bearer realm="[^"]+".*$'),
  'X-Request-Id': Line('Id of the request: the caller’s own, or ours.', 'req-7f3a', '^[A-Za-z0-9._-]{1,64}$')
}

/** What a request may say of a reply that the caller has already. */
export const VersionHeaders = Type.Object({
  'if-none-match': Type.Optional(
    Type.String({
      maxLength: 4096,
      pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]*$',
      description: '`ETag` of the reply that the caller has, or several, or `*`: 304 while it is the same.'
    })
  )
})

export type HeaderName = keyof typeof headers
