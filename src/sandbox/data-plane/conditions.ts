import type { IncomingHttpHeaders } from 'node:http'

/** What became of the conditions of a request (RFC 9110, section 13.2.2). */
export type Condition = 'met' | 'not-modified' | 'failed'

/** @param modifiedAt milliseconds since 1970, whole seconds */
export const conditionOf = (headers: IncomingHttpHeaders, etag: string, modifiedAt: number): Condition => {
  const listed = (value: string) =>
    value === '*' || value.split(',').some(each => each.trim().replace(/^W\//, '') === etag)
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  const unmodifiedSince = Date.parse(headers['if-unmodified-since'] ?? '')
  const modifiedSince = Date.parse(headers['if-modified-since'] ?? '')
  if (match !== undefined ? !listed(match) : modifiedAt > unmodifiedSince) return 'failed'
  if (noneMatch !== undefined ? listed(noneMatch) : modifiedAt <= modifiedSince) return 'not-modified'
  return 'met'
}

/** Does the file still have the version of which a range is asked for (`If-Range`; RFC 9110, section 13.1.5)? */
export const isRangeCurrent = (
  { 'if-range': version }: IncomingHttpHeaders,
  etag: string,
  modifiedAt: number
): boolean => version === undefined || version === etag || Date.parse(String(version)) === modifiedAt

/** The bytes that a request asks for; `unsatisfiable` when the file has none of them. A list of ranges is ignored. */
export const rangeOf = (
  range: string | undefined,
  size: number
): { start: number; end: number } | 'all' | 'unsatisfiable' => {
  const [match, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? []
  if (!match || (from === '' && to === '')) return 'all'
  if (from !== '' && to !== '' && Number(from) > Number(to)) return 'all'
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  return start < size && start <= end ? { start, end } : 'unsatisfiable'
}
