/** A rate limit may be lost: its window starts again. The limits of logins lock out guessers and are kept. */
const LIMIT = /^limit:(?!login)/

export const mayBeLost = (key: string): boolean => LIMIT.test(key)

/**
 * The area of a key: `session`, `limit:ip` and so on. Each has a bound of its own, so that what one of them holds is never
 * removed for another.
 */
export const areaOf = (key: string): string => /^(limit:)?[^:]*/.exec(key)?.[0] ?? ''
