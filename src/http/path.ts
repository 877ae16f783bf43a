/** A path without a route: requests whose path cannot be decoded are sent here. */
export const UNREADABLE_PATH = '/unreadable%2Fpath'

/** Is the path of this request target percent-encoded UTF-8? */
export const isReadable = (target: string): boolean => {
  if (!target.includes('%')) return true
  try {
    decodeURIComponent(target.split(/[?#]/, 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}

/** What Fastify calls the rest of a path that `*` matches. */
export const WILDCARD = '*'

/** What callers and the document call it. */
export const WILDCARD_NAME = 'path'
