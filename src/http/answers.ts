import type { Static, TSchema, TUnsafe } from 'typebox'
import { type HeaderName, headers } from '../../schemas/headers.ts'
import { type Model, ref } from '../../schemas/model.ts'
import type { ProblemName } from '../../schemas/problems.ts'
import { NotModified } from '../../schemas/status.ts'
import type { Action } from '../upstream/actions/action.ts'
import { problemsOf } from '../upstream/protocol/failures.ts'
import { EVENTS_TYPE, LINES_TYPE } from './accept.ts'

/** Problems of every operation that needs a caller, before it calls HOSTKEY. */
const EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'unauthenticated',
  'invalid-token',
  'session-expired',
  'csrf-rejected',
  'store-unavailable',
  'upstream-unavailable',
  'not-acceptable',
  'uri-too-long',
  'rate-limited',
  'headers-too-large',
  'internal',
  'overloaded',
  'draining'
]

/** Problems of every operation that is open to everyone. */
const OPEN_EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'uri-too-long',
  'rate-limited',
  'headers-too-large',
  'internal'
]

/** Problems of the gateway's own probes and pages, which ignore their query. */
const SERVICE_EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'uri-too-long',
  'headers-too-large',
  'internal'
]

/** Problems of an operation whose method may carry a body, expected or not: POST and DELETE. */
export const BODY_PROBLEMS: ProblemName[] = ['body-too-large', 'unsupported-media-type']

type Answers<S extends Record<number, TSchema>> = {
  [K in keyof S]: S[K] extends TSchema ? TUnsafe<Static<S[K]>> : never
}

/** An action that an operation calls, and those of its problems that the operation answers with. */
export interface UpstreamCall {
  readonly action: Action
  readonly problems: readonly ProblemName[]
}

type Source = Action | UpstreamCall | ProblemName | ProblemName[]

/** An action whose failures the operation ignores. */
export const ignoringErrors = (action: Action): UpstreamCall => ({ action, problems: [] })

/** An action of which the operation handles these failures itself. */
export const omitting = (action: Action, ...handled: ProblemName[]): UpstreamCall => ({
  action,
  problems: problemsOf(action).filter(name => !handled.includes(name))
})

/** The actions that an operation calls, and the problems that it answers with. */
export interface Outcomes {
  readonly calls: readonly UpstreamCall[]
  readonly problems: readonly ProblemName[]
}

/** The key under which the responses of an operation carry its outcomes, for the document. */
const OUTCOMES = Symbol('outcomes')

/** The outcomes that `answers` noted. */
export const outcomesOf = (responses: unknown): Outcomes =>
  (responses as { [OUTCOMES]?: Outcomes } | undefined)?.[OUTCOMES] ?? { calls: [], problems: [] }

const isAction = (source: Source): source is Action | UpstreamCall =>
  typeof source === 'object' && !Array.isArray(source)

const toCall = (source: Action | UpstreamCall): UpstreamCall =>
  'action' in source ? source : { action: source, problems: problemsOf(source) }

/** A success with headers of its own, beside those of every reply. */
export const withHeaders = <T extends TSchema>(schema: T, ...names: HeaderName[]): T => ({
  ...schema,
  headers: Object.fromEntries(names.map(name => [name, headers[name]]))
})

/** The responses of a versioned reply: 200 with its `ETag`, and 304 when the caller has that version. */
export const withVersion = <T extends TSchema>(schema: T, ...names: HeaderName[]) => ({
  200: withHeaders(schema, 'ETag', ...names),
  304: withHeaders(NotModified, 'ETag', ...names)
})

/** A success as lines of JSON, each of this model. */
export const asLines = <T extends Model>(line: T) => ({ ...line, [LINES]: true })

/** Marks them. */
const LINES = Symbol('lines')

/** The key under which a success is a stream of events with this data. */
const EVENTS = Symbol('events')

/** A success that is a stream of events: the schema is that of their data. */
export const withEvents = <T extends TSchema>(schema: T): T => ({ ...schema, [EVENTS]: true })

/**
 * The responses of an operation that needs a scope: its successes, and the problems of the edge, of the actions that it
 * calls, and those that are named. Problems are thrown and sent in one place; here they are noted for the document.
 */
export const answers = <const S extends Record<number, TSchema>>(successes: S, ...sources: Source[]): Answers<S> =>
  responses(successes, [EDGE, 'insufficient-scope', ...sources])

/** The responses of an operation that needs a caller and no scope. */
export const unscopedAnswers = <const S extends Record<number, TSchema>>(
  successes: S,
  ...sources: Source[]
): Answers<S> => responses(successes, [EDGE, ...sources])

/** The responses of an operation that is open to everyone. */
export const openAnswers = <const S extends Record<number, TSchema>>(successes: S, ...sources: Source[]): Answers<S> =>
  responses(successes, [OPEN_EDGE, ...sources])

/** The responses of a probe or a page of the gateway. */
export const serviceAnswers = <const S extends Record<number, TSchema>>(
  successes: S,
  ...sources: Source[]
): Answers<S> => responses(successes, [SERVICE_EDGE, ...sources])

const problemsFrom = (source: Source): readonly ProblemName[] =>
  isAction(source) ? toCall(source).problems : [source].flat()

const responses = <S extends Record<number, TSchema>>(successes: S, sources: Source[]): Answers<S> => {
  const schemas = Object.entries(successes).map(([status, schema]) => [
    status,
    isModel(schema) ? referenceTo(schema) : schema
  ])
  const outcomes: Outcomes = {
    calls: sources.filter(isAction).map(toCall),
    problems: [...new Set(sources.flatMap(problemsFrom))]
  }
  // Object.fromEntries loses the statuses from the type.
  return Object.assign(Object.fromEntries(schemas) as Answers<S>, { [OUTCOMES]: outcomes })
}

const isModel = (schema: TSchema): schema is Model => '$id' in schema && 'description' in schema

const referenceTo = (schema: Model & { [LINES]?: boolean; [EVENTS]?: boolean }) => ({
  ...bodyOf(schema),
  description: schema.description,
  ...('headers' in schema && { headers: schema.headers })
})

const bodyOf = (schema: Model & { [LINES]?: boolean; [EVENTS]?: boolean }) => {
  if (schema[EVENTS]) return { content: { [EVENTS_TYPE]: { schema: eventsOf(schema) } } }
  return schema[LINES] ? { content: { [LINES_TYPE]: { schema: ref(schema) } } } : ref(schema)
}

/** OpenAPI 3.1 has no schema for a stream of events: the extension names that of their data. */
const eventsOf = (data: Model) => ({
  type: 'string',
  maxLength: 1_000_000_000,
  description: `Server-sent events. The data of each is a \`${data.$id}\`.`,
  'x-event-data': ref(data)
})
