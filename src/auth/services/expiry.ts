import type { Service } from './registry-file.ts'

/** 30 days: time enough to rotate a credential. Assumed. */
const NOTICE_MS = 30 * 24 * 3_600_000

/** The services whose credential has expired, or expires within 30 days. @param now milliseconds since 1970 */
export const expiringSoon = (services: Iterable<Service>, now: number): Service[] =>
  [...services].filter(({ expiresAt }) => expiresAt - now < NOTICE_MS)
