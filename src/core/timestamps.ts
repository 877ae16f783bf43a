/** ISO 8601 (documented), or PHP's `YYYY-MM-DD HH:MM:SS` without a zone, read as UTC (assumed). */
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** A timestamp of HOSTKEY's as RFC 3339 in UTC; undefined for none, such as `0000-00-00`. */
export const toInstant = (theirs: string | undefined): string | undefined => {
  const match = TIMESTAMP.exec(theirs?.trim() ?? '')
  if (!match) return undefined
  const [, day, time = '00:00:00', zone = 'Z'] = match
  const at = new Date(`${day}T${time}${zone}`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z')
}
