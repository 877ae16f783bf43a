import { parseInPieces } from './large-json.ts'
import { isRecord } from './record.ts'

// An import of `node:http` would load Node's `fetch` too, which takes 30 ms of a start.
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** What kind of answer HOSTKEY gave. */
export type Envelope =
  | { kind: 'success'; payload: Record<string, unknown> }
  | { kind: 'failure'; text: string; code: string | undefined }
  | { kind: 'pending' }
  | { kind: 'unreadable'; reason: string }

const NEGATIVE = /^-\d+$/
const NUMERIC = /^-?\d+$/
const FAILED = /^(error|fail(ed)?)$/i
const SUCCEEDED = /^(ok|success)$/i
const PENDING = /^not ready$/i

/**
 * Encodes a form: each field once, in the given order.
 * @throws TypeError for a lone surrogate or a number that is no safe integer: PHP would read another value
 */
export const encodeForm = (fields: readonly (readonly [string, string | number])[]): string =>
  fields
    .map(([key, value]) => {
      const isEncodable = typeof value === 'number' ? Number.isSafeInteger(value) : value.isWellFormed()
      if (!isEncodable) throw new TypeError(`${key} cannot be encoded`)
      return `${key}=${encodeURIComponent(value)}`
    })
    .join('&')

/**
 * Opens an answer. `result` and `code` alone decide between success and failure, never `message`: both kinds may have one
 * (documented). All shapes are in docs/explanation/vendor-behaviour.md#envelopes.
 * @param script auth.php may put its payload into `result`, or print a bare `token`
 */
export const openEnvelope = (body: string, script: 's3.php' | 'auth.php'): Envelope =>
  envelopeOf(
    attempt(() => parse(withoutMark(body))),
    body,
    script
  )

/** The same for a large answer. */
export function* openLargeEnvelope(body: string, script: 's3.php' | 'auth.php'): Generator<void, Envelope> {
  let answer: unknown
  try {
    answer = yield* parseInPieces(withoutMark(body), parse)
  } catch {
    answer = undefined
  }
  return envelopeOf(answer, body, script)
}

const envelopeOf = (answer: unknown, body: string, script: 's3.php' | 'auth.php'): Envelope => {
  if (!isRecord(answer)) return { kind: 'unreadable', reason: reasonOf(body) }
  const { result, code } = answer
  if (isNegative(result) || isNegative(code) || isWord(code) || isMatch(FAILED, result)) return failure(answer)
  if (isMatch(PENDING, result)) return { kind: 'pending' }
  if (isMatch(SUCCEEDED, result)) return { kind: 'success', payload: answer }
  if (script === 'auth.php') {
    const login = loginPayload(answer)
    if (login) return login
  }
  if (nonEmpty(answer['error']) || isNonZero(code)) return failure(answer)
  return { kind: 'unreadable', reason: 'neither a success nor a failure' }
}

/** An HTTP status with its name, such as `HTTP 502 Bad Gateway`. */
export const describeStatus = (status: number): string => `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim()

/** An escape that may be half of a surrogate pair. A name with a lone one has no URL. */
const LONE_SURROGATE = /\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]/i
/** Most bodies have no such escape at all: a search for two letters is ten times as fast as the pattern. */
const hasLoneSurrogate = (body: string): boolean =>
  (body.includes('\\ud') || body.includes('\\uD')) && LONE_SURROGATE.test(body)

const requireWellFormed = (key: string, value: unknown): unknown => {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value
  throw new SyntaxError('text that is not Unicode')
}

const parse = (text: string): unknown => JSON.parse(text, hasLoneSurrogate(text) ? requireWellFormed : undefined)

/** A PHP file that was saved with a byte order mark prints it first. */
const withoutMark = (body: string): string => (body.startsWith('\uFEFF') ? body.replace(/^\uFEFF+/, '') : body)

const attempt = (read: () => unknown): unknown => {
  try {
    return read()
  } catch {
    return undefined
  }
}

const reasonOf = (body: string): string => {
  if (body.trim() === '') return 'an empty body, which PHP prints when a name is not UTF-8, or a body that is not UTF-8'
  return body.trimStart().startsWith('<') ? 'a web page instead of JSON' : 'no JSON object'
}

const failure = (answer: Record<string, unknown>): Envelope => {
  const { error, message, code } = answer
  const text = nonEmpty(error) ? error : typeof message === 'string' ? message : ''
  return { kind: 'failure', text: text.trim(), code: isWord(code) ? code : undefined }
}

/** The payload of auth.php: `result` itself, or the whole answer when it has a token. */
const loginPayload = (answer: Record<string, unknown>): Envelope | undefined => {
  const { result } = answer
  if (isRecord(result)) {
    if (isNegative(result['code']) || nonEmpty(result['error'])) return failure(result)
    return { kind: 'success', payload: result }
  }
  return nonEmpty(answer['token']) ? { kind: 'success', payload: answer } : undefined
}

const isNegative = (value: unknown) =>
  typeof value === 'number' ? value < 0 : typeof value === 'string' && NEGATIVE.test(value)
const isWord = (value: unknown): value is string => nonEmpty(value) && !NUMERIC.test(value)
const isNonZero = (value: unknown) =>
  typeof value === 'number' ? value !== 0 : typeof value === 'string' && NUMERIC.test(value) && Number(value) !== 0
const nonEmpty = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isMatch = (pattern: RegExp, value: unknown) => typeof value === 'string' && pattern.test(value)
