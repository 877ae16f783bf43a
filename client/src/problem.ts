import { type ProblemsByOperation, statusOf } from './generated/problems.ts'
import type { components } from './generated/schema.ts'
import type { FaultCode, Messages } from './messages.ts'

type Statuses = typeof statusOf

/** The names of all problems that this version of the client knows. */
export type ProblemName = keyof Statuses

/** The problems that one operation can answer: `ProblemNameOf<'createBucket'>`. */
export type ProblemNameOf<Operation extends keyof ProblemsByOperation> = ProblemsByOperation[Operation]

type Problem = components['schemas']['Problem']

/** One fault of a request: where it is and what is wrong. `message` is a sentence for people, chosen by `code`. */
export type Fault = NonNullable<Problem['errors']>[number] & { readonly message: string }

/** What every problem holds besides its name and status. */
interface Details {
  /** URL of the page about this problem. */
  readonly type: string
  /** Short text of the gateway. */
  readonly title: string
  /** What happened this time, for developers. `message` is the sentence for people, chosen by `name`. */
  readonly detail: string
  /** Id of the request, for support. */
  readonly instance: string
  /** May the same request be repeated unchanged? */
  readonly retryable: boolean
  readonly errors: readonly Fault[]
  /** Outcome of a write that failed. */
  readonly outcome: Problem['outcome'] | undefined
  readonly upstream: Problem['upstream'] | undefined
  readonly links: Readonly<Record<string, string>>
  /** How long the gateway asks to wait. */
  readonly retryAfterSeconds: number | undefined
  /** Is this the recorded reply to an earlier request with the same `Idempotency-Key`? */
  readonly isReplayed: boolean
}

/** A failed reply without a known problem: a proxy's error page, or a problem of a newer gateway. */
type UnknownProblem = Error & Details & { readonly name: 'unknown-problem'; readonly status: number }

/** Thrown for every reply that is not a success. `name` identifies the problem and narrows the other fields. */
export type GatewayProblem =
  | { [Name in ProblemName]: Error & Details & { readonly name: Name; readonly status: Statuses[Name] } }[ProblemName]
  | UnknownProblem

/** `error instanceof GatewayProblem` narrows to the union. */
export const GatewayProblem = class GatewayProblem extends Error {
  constructor(fields: object, message: string) {
    super(message)
    Object.assign(this, fields)
  }
  // A cast: a class cannot declare a union as the type of its instances.
} as unknown as { new (fields: object, message: string): GatewayProblem; prototype: GatewayProblem }

/** Is this a `GatewayProblem` and, where names are given, one of these? */
export const isProblem = <Name extends GatewayProblem['name'] = GatewayProblem['name']>(
  error: unknown,
  ...names: Name[]
): error is Extract<GatewayProblem, { name: Name }> =>
  error instanceof GatewayProblem && (names.length === 0 || names.some(name => name === error.name))

/** Statuses that a proxy sends for a temporary failure. */
const RETRYABLE_STATUSES = [429, 502, 503, 504]

/** @param body of a failed reply: parsed JSON, or text */
export const problemOf = (
  { status, statusText, headers }: Response,
  body: unknown,
  messages: Messages
): GatewayProblem => {
  const isDocument = headers.get('content-type')?.startsWith('application/problem+json') && isObject(body)
  return problemIn(isDocument ? body : { title: statusText }, status, headers, messages)
}

/** @param document a problem (RFC 9457). A proxy may have sent it, so any field may be missing. */
export const problemIn = (document: object, status: number, headers: Headers, messages: Messages): GatewayProblem => {
  const fields: Record<string, unknown> = {
    type: 'about:blank',
    title: '',
    detail: `The reply with status ${status} holds no problem of the gateway.`,
    instance: headers.get('x-request-id') ?? '',
    retryable: RETRYABLE_STATUSES.includes(status),
    errors: [],
    outcome: undefined,
    upstream: undefined,
    links: {},
    ...document
  }
  const given = String(fields['name'] ?? String(fields['type']).split('/').at(-1))
  const name = Object.hasOwn(statusOf, given) ? (given as ProblemName) : 'unknown-problem'
  return new GatewayProblem(
    {
      ...fields,
      status,
      name,
      errors: withMessages(fields['errors'], messages),
      retryAfterSeconds: retryAfterSeconds(headers),
      isReplayed: headers.get('idempotency-replayed') === 'true'
    },
    messages.problems[name]
  )
}

/** A proxy may send anything. */
const withMessages = (errors: unknown, { fields }: Messages): Fault[] =>
  (Array.isArray(errors) ? errors : []).map(fault => ({
    ...fault,
    message: fields[Object(fault).code as FaultCode] ?? fields['not-allowed']
  }))

/** `Retry-After`, a number of seconds or a date. */
const retryAfterSeconds = (headers: Headers): number | undefined => {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
