const SECONDS = /^\d{1,10}$/

/** The three forms of a date in HTTP (RFC 9110 section 5.6.7): `Date.parse` reads the last as a local time. */
const DATE =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{5,8}, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/

/** Milliseconds since 1970; undefined for anything but a date of HTTP. */
const instantOf = (text: string | undefined): number | undefined => {
  if (text === undefined || !DATE.test(text)) return undefined
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(ms) ? undefined : ms
}

/**
 * The wish of `Retry-After` in seconds, whole: a number, or a date. A date is compared with the clock of its sender.
 * @param date the header `Date` of the same reply
 * @returns undefined for an absent or malformed header
 */
export const retryAfterSecondsOf = (value: string | undefined, date: string | undefined): number | undefined => {
  const text = value?.trim()
  if (text === undefined) return undefined
  if (SECONDS.test(text)) return Number(text)
  const until = instantOf(text)
  return until === undefined
    ? undefined
    : Math.max(0, Math.ceil((until - (instantOf(date?.trim()) ?? Date.now())) / 1000))
}
