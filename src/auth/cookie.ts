/**
 * The cookie. `__Host-` binds it to this host, `Http-` keeps page script from planting it; Chromium enforces both, also
 * on http://localhost (measured).
 */
export const COOKIE = '__Host-Http-session'

const flags = { path: '/', secure: true, httpOnly: true, sameSite: 'strict' } as const

/** @param maxAgeSeconds the session's life */
export const cookieFlags = (maxAgeSeconds: number) => ({ ...flags, maxAge: Math.max(0, Math.floor(maxAgeSeconds)) })

/** The same flags: a cookie is cleared only by its like. */
export const clearingFlags = { ...flags, maxAge: 0 }
