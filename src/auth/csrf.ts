import type { IncomingHttpHeaders } from 'node:http'
import { keepsSecureCookie } from '../core/address.ts'
import { Problem } from '../core/problem.ts'

/**
 * Refuses a request that a page of another site may have forged. Browsers attach the cookie to such requests too, and
 * SameSite=Strict does not stop a page on another port of the same host (observed). So the request must carry a header
 * that only allowed pages can set, and the browser must report an allowed origin.
 * @throws Problem csrf-rejected
 */
export const assertNotForged = (headers: IncomingHttpHeaders, allowedOrigins: ReadonlySet<string>): void => {
  if (headers['x-csrf'] !== '1') throw new Problem('csrf-rejected', 'The header `X-CSRF: 1` is missing.')
  const { origin } = headers
  if (origin !== undefined && !allowedOrigins.has(origin)) throw refusedOrigin(origin)
  const site = headers['sec-fetch-site']
  const isAllowed = site === undefined || site === 'same-origin' || (site === 'same-site' && origin !== undefined)
  if (!isAllowed) {
    throw new Problem(
      'csrf-rejected',
      'The page is on another site than the gateway, to which browsers send no session cookie: serve both below one domain.'
    )
  }
}

/** An origin as browsers send it. Any other text is not repeated: it may hold anything. */
const ORIGIN = /^[a-z][a-z0-9+.-]{0,30}:\/\/[a-z0-9._:[\]-]{1,253}$/

/** Says which origin is refused, and which setting would allow it. */
export const refusedOrigin = (origin: string): Problem => {
  if (origin === 'null') {
    return new Problem(
      'csrf-rejected',
      'A page without an origin of its own, such as a file or a sandboxed frame, cannot be allowed: serve it from an address.'
    )
  }
  if (!ORIGIN.test(origin)) return new Problem('csrf-rejected', 'The header Origin is not an origin.')
  return new Problem(
    'csrf-rejected',
    `Pages of ${origin} may not call this gateway: its operator can add this origin to ALLOWED_ORIGINS.`,
    { refusedOrigin: origin }
  )
}

/**
 * Refuses a login whose cookie the browser would drop: a `Secure` cookie over plain http on another machine.
 * @throws Problem https-required
 */
export const assertCookieIsKept = (
  { origin, host }: IncomingHttpHeaders,
  publicUrl: URL,
  allowedOrigins: ReadonlySet<string>
): void => {
  const page = origin === undefined ? publicUrl : URL.parse(origin)
  if (!page || keepsSecureCookie(page)) return
  // Pages of other sites are refused without the settings of this one.
  if (origin !== undefined && !allowedOrigins.has(origin) && page.host !== host) return
  throw new Problem(
    'https-required',
    'Browsers do not keep the session cookie over plain http, except on localhost: serve the gateway over https, and set PUBLIC_URL to that address.'
  )
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** The origins whose pages may use the cookie: the allowed ones and the gateway's own, under each loopback name if it has one. */
export const originsOf = (publicUrl: URL, allowedOrigins: readonly string[]): ReadonlySet<string> => {
  const own = LOOPBACK.includes(publicUrl.hostname)
    ? LOOPBACK.map(host => `${publicUrl.protocol}//${host}${publicUrl.port && `:${publicUrl.port}`}`)
    : [publicUrl.origin]
  return new Set([...own, ...allowedOrigins])
}
