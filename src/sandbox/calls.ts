import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Fields } from './php.ts'

/** One request to a script, with secrets masked. */
export interface Call {
  /** Milliseconds of the sandbox's clock. */
  readonly at: number
  readonly script: string
  readonly method: string
  readonly action: string
  /** The form: the token as `sha256:` and 16 hexadecimal digits, other secrets as `[masked]`. */
  readonly fields: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface CallLog {
  record(call: { at: number; script: string; method: string; fields: Fields; headers: IncomingHttpHeaders }): void
  /** The last 10,000 calls, oldest first. */
  calls(): Call[]
  /** Number of calls of each action. */
  counters(): Record<string, number>
  clear(): void
}

/** Number of calls kept; the oldest is dropped first. */
const MAX_CALLS = 10_000

/** Number of actions with a counter of their own; further names share `(others)`. */
const MAX_ACTIONS = 100

/** The log of one sandbox. */
export const createCallLog = (): CallLog => {
  let log: Call[] = []
  const counters = new Map<string, number>()
  return {
    record({ at, script, method, fields, headers }) {
      const action = fields.get('action') ?? ''
      const counter = counters.has(action) || counters.size < MAX_ACTIONS ? action : '(others)'
      counters.set(counter, (counters.get(counter) ?? 0) + 1)
      log.push({ at, script, method, action, fields: maskFields(fields, script), headers: maskHeaders(headers) })
      if (log.length > MAX_CALLS) log.shift()
    },
    calls: () => [...log],
    counters: () => Object.fromEntries(counters),
    clear() {
      log = []
      counters.clear()
    }
  }
}

/** A token as it appears in the log. */
export const hashToken = (token: string): string =>
  `sha256:${createHash('sha256').update(token).digest('hex').slice(0, 16)}`

const SECRET_FIELDS = /^(password|user_token|access_key|secret_key)$/

const maskFields = (fields: Fields, script: string): Record<string, string> =>
  Object.fromEntries(
    [...fields].map(([name, value]) => {
      if (name === 'token') return [name, hashToken(value)]
      // `key` is a credential in auth.php, and the id of a task in eq_callback.php.
      const isSecret = SECRET_FIELDS.test(name) || (name === 'key' && script === 'auth.php')
      return [name, isSecret ? '[masked]' : value]
    })
  )

const maskHeaders = (headers: IncomingHttpHeaders): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      /^(authorization|cookie|proxy-authorization)$/.test(name) ? '[masked]' : String(value)
    ])
  )
