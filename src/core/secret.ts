import { hash } from 'node:crypto'
import { inspect } from 'node:util'

const REDACTED = '[redacted]'

/** A credential. It prints as `[redacted]` everywhere; only `reveal()` discloses it. */
export class Secret {
  readonly #value: string
  #fingerprint: string | undefined

  constructor(value: string) {
    this.#value = value
  }

  /** The credential itself, for the one place that sends it. */
  reveal(): string {
    return this.#value
  }

  /** A name that does not disclose the credential: 16 hexadecimal digits of its SHA-256. */
  fingerprint(): string {
    this.#fingerprint ??= hash('sha256', this.#value).slice(0, 16)
    return this.#fingerprint
  }

  toString(): string {
    return REDACTED
  }

  toJSON(): string {
    return REDACTED
  }

  [inspect.custom](): string {
    return REDACTED
  }
}

/** Credentials of services, and tokens that the gateway makes. */
const OWN = /\bhk[st]_[A-Za-z0-9_-]{20,}/gi
/** Shapes of credentials that HOSTKEY may print into a message: hexadecimal tokens, API keys and S3 keys. */
const CREDENTIALS =
  /\b[0-9a-f]{16}-[0-9a-f]{16}\b|\b[0-9a-f]{32,}\b|\b[A-Z0-9]{20}\b|(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/gi
/** A sign and a value. The name before it is matched by code: with it, the pattern could backtrack without a bound. */
const ASSIGNMENTS = /(["']? ?[:=] ?["']?)[^\s"'&,;}]+/g
const NAMES = ['token', 'key', 'access_key', 'secret_key', 'password', 'user_token', 'authorization']
/** Longer than any of the names. */
const NAME_LENGTH = 20

const withoutAssignments = (text: string): string =>
  text.replace(ASSIGNMENTS, (all: string, sign: string, at: number) => {
    const name =
      text
        .slice(Math.max(0, at - NAME_LENGTH), at)
        .split(/\W/)
        .at(-1) ?? ''
    // The value may be an assignment itself.
    return NAMES.includes(name.toLowerCase())
      ? `${sign}${REDACTED}`
      : `${all.charAt(0)}${withoutAssignments(all.slice(1))}`
  })

/**
 * Text from outside without control characters and credentials, at most 512 characters.
 * @param sent values to remove as well, such as the password that was sent
 */
export const scrubbed = (text: string, sent: readonly string[] = []): string =>
  withoutAssignments(
    sent
      .filter(value => value !== '')
      .reduce((rest, value) => rest.replaceAll(value, REDACTED), text)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose.
      .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .replace(/\s+/g, ' ')
  )
    .replace(OWN, REDACTED)
    .replace(CREDENTIALS, REDACTED)
    .trim()
    .slice(0, 512)
