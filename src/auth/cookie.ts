/**
 * Name of the session cookie. The prefix `__Host-` binds it to this host, and `Http-` keeps page script from setting it.
 * Observed: Chromium enforces both, on http://localhost too.
 */
export const COOKIE = '__Host-Http-session'

const flags = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

/** @param maxAgeSeconds until the session ends */
export const cookieFlags = (maxAgeSeconds: number) => ({ ...flags, maxAge: Math.max(0, Math.floor(maxAgeSeconds)) })

/** A browser clears a cookie only when its flags are repeated. */
export const clearingFlags = { ...flags, maxAge: 0 }
