/**
 * A parsed response of HOSTKEY. The suite does not reuse the gateway's parser: two independent parsers find more
 * differences.
 */
export type Envelope =
  | { kind: 'success'; payload: Readonly<Record<string, unknown>> }
  | { kind: 'refusal'; shape: string; text: string }
  | { kind: 'callback' }
  | { kind: 'invalid'; reason: string }

/** The shape of a refusal by s3.php. Documented. */
export const DOCUMENTED_REFUSAL = '{"code":negative number,"message":text}'

/** Parses a response. `result` and `code` decide, never `message`: both successes and refusals have one. */
export const parseEnvelope = (text: string): Envelope => {
  const body = parseObject(text)
  if (!body) return { kind: 'invalid', reason: describe(text) }
  const { result, code, error, message } = body
  const isRefusal =
    isNegative(result) || isNegative(code) || /^(error|fail(ed)?)$/i.test(String(result)) || isWord(code)
  if (isRefusal) return { kind: 'refusal', shape: shapeOf(body), text: textOf(error) ?? textOf(message) ?? '' }
  if (/^(ok|success)$/i.test(String(result))) {
    return typeof body['callback'] === 'string' ? { kind: 'callback' } : { kind: 'success', payload: body }
  }
  // auth.php puts its payload into `result` or at the top level.
  if (isObject(result)) {
    const text = textOf(result['error'])
    if (text === undefined) return { kind: 'success', payload: result }
    return { kind: 'refusal', shape: '{"result":{"error":text}}', text }
  }
  if (typeof body['token'] === 'string') return { kind: 'success', payload: body }
  const errorText = textOf(error)
  if (errorText !== undefined) return { kind: 'refusal', shape: shapeOf(body), text: errorText }
  return { kind: 'invalid', reason: 'JSON that is neither a success nor a refusal' }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const describe = (text: string): string => {
  if (text.trim() === '') return 'an empty body, or one that is not UTF-8'
  if (/^\s*<br/i.test(text)) return 'a PHP warning before the JSON'
  return text.trimStart().startsWith('<') ? 'an HTML page' : 'no JSON object'
}

const isNegative = (value: unknown) => /^-\d+$/.test(String(value)) && typeof value !== 'object'
const isWord = (value: unknown) => typeof value === 'string' && value !== '' && !/^-?\d+$/.test(value)
const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** The names and types of the members of a refusal, without values. */
const shapeOf = (body: Record<string, unknown>): string =>
  `{${Object.entries(body)
    .map(([name, value]) => `${JSON.stringify(name)}:${typeNameOf(value)}`)
    .join(',')}}`

const typeNameOf = (value: unknown): string => {
  if (typeof value === 'number') return value < 0 ? 'negative number' : 'number'
  if (typeof value === 'string') return /^-\d+$/.test(value) ? 'negative number as text' : 'text'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}
