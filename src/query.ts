/** Marks a query whose text cannot be read: broken percent-encoding, or bytes that are not UTF-8. */
export const UNREADABLE = Symbol('unreadable query')

type Query = Record<string | symbol, unknown>

/**
 * Reads a raw query strictly: decoded once, `+` is a space, a repeated name becomes a list (which no scalar accepts).
 * Fastify's own parser keeps broken encodings as they are, so that a caller would name another file than meant.
 */
export const parseQuery = (raw: string): Query => {
  const query: Query = Object.create(null)
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const cut = pair.indexOf('=')
    const name = decoded(cut === -1 ? pair : pair.slice(0, cut))
    const value = decoded(cut === -1 ? '' : pair.slice(cut + 1))
    if (name === undefined || value === undefined) query[UNREADABLE] = true
    else query[name] = name in query ? [query[name], value].flat() : value
  }
  return query
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
