import { STATUS_CODES } from 'node:http'
import { isRecord } from './record.ts'

/** What HOSTKEY's answer turned out to be. */
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
 * Builds the form that s3.php reads: `action`, `token` and the given keys, each once.
 * @throws TypeError a value that is no well-formed text or safe integer: PHP would read something else.
 */
export const encodeForm = (fields: readonly (readonly [string, string | number])[]): string =>
  fields
    .map(([key, value]) => {
      const ok = typeof value === 'number' ? Number.isSafeInteger(value) : value.isWellFormed()
      if (!ok) throw new TypeError(`${key} cannot be put into a form`)
      return `${key}=${encodeURIComponent(value)}`
    })
    .join('&')

/**
 * Tells failure from success by `result` and `code` alone, never by `message` (UPSTREAM 1.1).
 * @param script auth.php may put its payload into `result`, or print a bare `token`.
 */
export const openEnvelope = (body: string, script: 's3.php' | 'auth.php'): Envelope => {
  const answer = parsed(body)
  if (answer === undefined) return { kind: 'unreadable', reason: unreadable(body) }
  const { result, code } = answer
  if (isNegative(result) || isNegative(code) || isWord(code) || matches(FAILED, result)) return failure(answer)
  if (matches(PENDING, result)) return { kind: 'pending' }
  if (matches(SUCCEEDED, result)) return { kind: 'success', payload: answer }
  if (script === 'auth.php') {
    const login = loginPayload(answer)
    if (login) return login
  }
  if (nonEmpty(answer['error']) || isNonZero(code)) return failure(answer)
  return { kind: 'unreadable', reason: 'neither a success nor a failure' }
}

/** A status that is no answer of the script itself. */
export const describeStatus = (status: number): string => `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim()

/** Perhaps half of a character, written as an escape: a name that holds one cannot be put into a URL. */
const LONE_SURROGATE = /\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]/i
const wellFormed = (key: string, value: unknown): unknown => {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return value
  throw new SyntaxError('text that is not Unicode')
}

const parsed = (body: string): Record<string, unknown> | undefined => {
  try {
    // PHP files saved with a byte order mark print it before everything else.
    const value: unknown = JSON.parse(body.replace(/^\uFEFF+/, ''), LONE_SURROGATE.test(body) ? wellFormed : undefined)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const unreadable = (body: string): string => {
  if (body.trim() === '') return 'an empty body, as PHP prints it when a name is not UTF-8, or a body that is not'
  return body.trimStart().startsWith('<') ? 'a web page instead of JSON' : 'no JSON object'
}

const failure = (answer: Record<string, unknown>): Envelope => {
  const { error, message, code } = answer
  const text = nonEmpty(error) ? error : typeof message === 'string' ? message : ''
  return { kind: 'failure', text: text.trim(), code: isWord(code) ? code : undefined }
}

/** auth.php: the payload is `result` itself, or the whole answer when it holds a token. */
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
const matches = (pattern: RegExp, value: unknown) => typeof value === 'string' && pattern.test(value)
