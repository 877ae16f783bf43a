/** ISO 8601 as the vendor page prints it, or PHP's own `YYYY-MM-DD HH:MM:SS`, whose zone is taken as UTC (assumed). */
const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?)?$/

/** A moment of HOSTKEY's as RFC 3339 in UTC; undefined where there is none, as in `0000-00-00`. */
export const toInstant = (theirs: string | undefined): string | undefined => {
  const match = MOMENT.exec(theirs?.trim() ?? '')
  if (!match) return undefined
  const [, day, time = '00:00:00', zone = 'Z'] = match
  const at = new Date(`${day}T${time}${zone}`)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace('.000Z', 'Z')
}
