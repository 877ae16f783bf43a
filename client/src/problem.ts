import { type ProblemsByOperation, statusOf } from './generated/problems.ts'
import type { components } from './generated/schema.ts'

type Statuses = typeof statusOf

/** The names of all problems in the document of this version. */
export type ProblemName = keyof Statuses

/** The problems that one operation can answer: `ProblemNameOf<'createBucket'>`. */
export type ProblemNameOf<Operation extends keyof ProblemsByOperation> = ProblemsByOperation[Operation]

type Problem = components['schemas']['Problem']

/** One fault of a request: where it is and what is wrong. */
export type Fault = NonNullable<Problem['errors']>[number]

/** What every problem holds beside its name and status. */
interface Details {
  /** Address of the page about this problem. */
  readonly type: string
  /** For people: what is wrong in a few words. `message` is the `detail` of this one time. */
  readonly title: string
  /** Id of the request, for support. */
  readonly instance: string
  /** May the same request be sent again as it is? */
  readonly retryable: boolean
  readonly errors: readonly Fault[]
  /** What became of a write that failed. */
  readonly outcome: Problem['outcome'] | undefined
  readonly upstream: Problem['upstream'] | undefined
  readonly links: Readonly<Record<string, string>>
  /** So long the gateway asks to wait. */
  readonly retryAfterSeconds: number | undefined
  /** Is this the recorded answer to an earlier request under the same `Idempotency-Key`? */
  readonly isReplayed: boolean
}

/** A reply that holds no problem of this version: a proxy's own page, or the problem of a newer gateway. */
type Unrecognised = Error & Details & { readonly name: 'unrecognised'; readonly status: number }

/** What the client throws for every reply that is not a success; `name` tells which, and narrows the rest. */
export type GatewayProblem =
  | { [Name in ProblemName]: Error & Details & { readonly name: Name; readonly status: Statuses[Name] } }[ProblemName]
  | Unrecognised

/** `error instanceof GatewayProblem` narrows to the union. */
export const GatewayProblem = class GatewayProblem extends Error {
  constructor(fields: object, detail: string) {
    super(detail)
    Object.assign(this, fields)
  }
  // A class has one type of instance, and a problem is one of many.
} as unknown as { new (fields: object, detail: string): GatewayProblem; prototype: GatewayProblem }

/** Was this thrown for a reply of the gateway, and, where names are given, for one of these reasons? */
export const isProblem = <Name extends GatewayProblem['name'] = GatewayProblem['name']>(
  error: unknown,
  ...names: Name[]
): error is Extract<GatewayProblem, { name: Name }> =>
  error instanceof GatewayProblem && (names.length === 0 || names.some(name => name === error.name))

/** 502, 503 and 504 of a proxy, and 429: nobody has looked at the request, or it may succeed later. */
const PASSING = [429, 502, 503, 504]

/** @param body of a reply that is not a success: parsed JSON, or whatever text came */
export const problemOf = ({ status, statusText, headers }: Response, body: unknown): GatewayProblem => {
  const isDocument = headers.get('content-type')?.startsWith('application/problem+json') && isObject(body)
  return problemIn(isDocument ? body : { title: statusText }, status, headers)
}

/** @param document RFC 9457; of somebody else, it may hold anything */
export const problemIn = (document: object, status: number, headers: Headers): GatewayProblem => {
  const fields: Record<string, unknown> = {
    type: 'about:blank',
    title: '',
    detail: `The reply ${status} holds no problem of the gateway.`,
    instance: headers.get('x-request-id') ?? '',
    retryable: PASSING.includes(status),
    errors: [],
    outcome: undefined,
    upstream: undefined,
    links: {},
    ...document
  }
  const { detail, ...rest } = fields
  const name = String(rest['type']).split('/').at(-1) ?? ''
  return new GatewayProblem(
    {
      ...rest,
      status,
      name: Object.hasOwn(statusOf, name) ? name : 'unrecognised',
      retryAfterSeconds: retryAfterSeconds(headers),
      isReplayed: headers.get('idempotency-replayed') === 'true'
    },
    String(detail)
  )
}

/** `Retry-After`, a number of seconds or a date. */
const retryAfterSeconds = (headers: Headers): number | undefined => {
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000)
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
