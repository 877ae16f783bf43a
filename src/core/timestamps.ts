/** RFC 3339 in UTC, the usual form. Up to day 28, which every month has. */
const INSTANT = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

/** ISO 8601 (documented), or PHP's `YYYY-MM-DD HH:MM:SS` without a zone, read as UTC (assumed). */
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** A timestamp of HOSTKEY's as RFC 3339 in UTC; undefined for none, such as `0000-00-00`. */
export const toInstant = (theirs: string | undefined): string | undefined => {
  // Not parsed: parsing takes 1 µs, and a list has 100 of them.
  if (theirs === undefined || INSTANT.test(theirs)) return theirs
  const match = TIMESTAMP.exec(theirs.trim())
  if (!match) return undefined
  const [, day, time = '00:00:00', zone = 'Z'] = match
  const at = new Date(`${day}T${time}${zone}`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z')
}
