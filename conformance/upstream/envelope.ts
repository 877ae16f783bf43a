/** What an answer of HOSTKEY's is, read here once more and not with the gateway's code: two readers find more than one. */
export type Opened =
  | { kind: 'success'; payload: Readonly<Record<string, unknown>> }
  | { kind: 'refusal'; shape: string; text: string }
  | { kind: 'callback' }
  | { kind: 'unreadable'; reason: string }

/** How s3.php refuses by the vendor page. */
export const DOCUMENTED_REFUSAL = '{"code":negative number,"message":text}'

/** Opens an answer by UPSTREAM 1.1: `result` and `code` decide, never `message`. */
export const opened = (text: string): Opened => {
  const answer = objectIn(text)
  if (!answer) return { kind: 'unreadable', reason: describe(text) }
  const { result, code, error, message } = answer
  const isNo = isNegative(result) || isNegative(code) || /^(error|fail(ed)?)$/i.test(String(result)) || isWord(code)
  if (isNo) return { kind: 'refusal', shape: shapeOf(answer), text: wordsOf(error) ?? wordsOf(message) ?? '' }
  if (/^(ok|success)$/i.test(String(result))) {
    return typeof answer['callback'] === 'string' ? { kind: 'callback' } : { kind: 'success', payload: answer }
  }
  // auth.php puts its payload into `result`, or prints it bare.
  if (isObject(result)) {
    if (wordsOf(result['error']) === undefined) return { kind: 'success', payload: result }
    return { kind: 'refusal', shape: '{"result":{"error":text}}', text: wordsOf(result['error']) ?? '' }
  }
  if (typeof answer['token'] === 'string') return { kind: 'success', payload: answer }
  if (wordsOf(error) !== undefined) return { kind: 'refusal', shape: shapeOf(answer), text: wordsOf(error) ?? '' }
  return { kind: 'unreadable', reason: 'JSON that is neither a success nor a refusal' }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const objectIn = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const describe = (text: string): string => {
  if (text.trim() === '') return 'an empty body, or one that is not UTF-8'
  if (/^\s*<br/i.test(text)) return 'a warning of PHP before the JSON'
  return text.trimStart().startsWith('<') ? 'a web page' : 'no JSON object'
}

const isNegative = (value: unknown) => /^-\d+$/.test(String(value)) && typeof value !== 'object'
const isWord = (value: unknown) => typeof value === 'string' && value !== '' && !/^-?\d+$/.test(value)
const wordsOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** The members of a refusal by name and type, without their values. */
const shapeOf = (answer: Record<string, unknown>): string =>
  `{${Object.entries(answer)
    .map(([name, value]) => `${JSON.stringify(name)}:${kindOf(value)}`)
    .join(',')}}`

const kindOf = (value: unknown): string => {
  if (typeof value === 'number') return value < 0 ? 'negative number' : 'number'
  if (typeof value === 'string') return /^-\d+$/.test(value) ? 'negative number as text' : 'text'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'list' : typeof value
}
