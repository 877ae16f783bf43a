/** What PHP's `json_encode` prints: `\/` for a slash, `\uXXXX` beyond ASCII; an empty string for malformed text. */
export const phpJson = (value: unknown): string => {
  const json = JSON.stringify(value)
  // A lone surrogate stands for bytes that are not UTF-8: json_encode returns false, and false prints as "".
  if (LONE_SURROGATE.test(json)) return ''
  return json
    .replaceAll('/', '\\/')
    .replace(BEYOND_ASCII, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** JSON.stringify escapes a surrogate only when it is alone. */
const LONE_SURROGATE = /(?:^|[^\\])(?:\\\\)*\\ud[89a-f]/
const BEYOND_ASCII = /[\u0080-\uffff]/g

/** The text fields of a request as PHP sees them, without lists and files. */
export type Fields = ReadonlyMap<string, string>

/** Collects fields by PHP's rules: dots and spaces become `_`, the last value of a name wins, `name[]` is a list. */
export const phpFields = (pairs: Iterable<readonly [string, string | Blob]>): Fields => {
  const fields = new Map<string, string>()
  for (const [rawName, value] of pairs) {
    const name = rawName.replace(/^ +/, '').replace(/[. ]/g, '_')
    const bracket = name.indexOf('[')
    const isList = bracket > 0 && name.includes(']', bracket)
    if (isList) fields.delete(name.slice(0, bracket))
    else if (typeof value === 'string' && name !== '') fields.set(name.replaceAll('[', '_'), value)
  }
  return fields
}

/** The integer in a form field: 1 to 15 decimal digits with an optional sign; otherwise undefined. */
export const phpInteger = (text: string): number | undefined => {
  const number = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined
  return number === 0 ? 0 : number
}
