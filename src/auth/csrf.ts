import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '../core/problem.ts'

/**
 * Proves that one of our own pages sends this. A cookie travels by itself, and SameSite=Strict does not stop a page on
 * another port of the same site (measured): so a header that no foreign page can set, and what the browser says of
 * the page.
 * @throws Problem csrf-rejected
 */
export const assertOwnPage = (headers: IncomingHttpHeaders, allowedOrigins: ReadonlySet<string>): void => {
  if (headers['x-csrf'] !== '1') throw new Problem('csrf-rejected', 'The header `X-CSRF: 1` is missing.')
  const { origin } = headers
  if (origin !== undefined && !allowedOrigins.has(origin)) {
    throw new Problem('csrf-rejected', 'The page’s origin is not allowed.')
  }
  const site = headers['sec-fetch-site']
  const isAllowed = site === undefined || site === 'same-origin' || (site === 'same-site' && origin !== undefined)
  if (!isAllowed) throw new Problem('csrf-rejected', 'The page belongs to another site.')
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** The gateway's own origin, by each name of this machine where it listens on loopback, and the allowed ones. */
export const originsOf = (publicUrl: URL, allowedOrigins: readonly string[]): ReadonlySet<string> => {
  const own = LOOPBACK.includes(publicUrl.hostname)
    ? LOOPBACK.map(host => `${publicUrl.protocol}//${host}${publicUrl.port && `:${publicUrl.port}`}`)
    : [publicUrl.origin]
  return new Set([...own, ...allowedOrigins])
}
