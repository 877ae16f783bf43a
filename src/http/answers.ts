import type { FastifyRequest } from 'fastify'
import type { Static, TSchema, TUnsafe } from 'typebox'
import { type HeaderName, headers } from '../../schemas/headers.ts'
import { type Model, ref } from '../../schemas/model.ts'
import type { ProblemName } from '../../schemas/problems.ts'
import { NotModified } from '../../schemas/status.ts'
import type { Action } from '../upstream/actions/action.ts'
import { problemsOf } from '../upstream/protocol/failures.ts'
import { JSON_TYPE, LINES_TYPE } from './accept.ts'

/** Problems that any operation behind authentication can answer, before it has asked HOSTKEY anything. */
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

/** Those that an operation open to everybody can answer. */
const OPEN_EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'uri-too-long',
  'rate-limited',
  'headers-too-large',
  'internal'
]

/** Problems of an operation whose method can carry a body, wanted or not: POST and DELETE. */
export const BODY: ProblemName[] = ['body-too-large', 'unsupported-media-type']

type Answers<S extends Record<number, TSchema>> = {
  [K in keyof S]: S[K] extends TSchema ? TUnsafe<Static<S[K]>> : never
}

/** An action that an operation calls, and those of its problems that the caller is told. */
export interface Asked {
  readonly action: Action
  readonly tells: readonly ProblemName[]
}

type Cause = Action | Asked | ProblemName | ProblemName[]

/** An action that is called, and whose failures the operation keeps to itself: it goes on without. */
export const ignoringErrors = (action: Action): Asked => ({ action, tells: [] })

/** An action that is called, and of some of whose failures the operation makes something else. */
export const omitting = (action: Action, ...kept: ProblemName[]): Asked => ({
  action,
  tells: problemsOf(action).filter(name => !kept.includes(name))
})

/** What an operation may call, and which problems it can answer. */
export interface Causes {
  readonly asked: readonly Asked[]
  readonly problems: readonly ProblemName[]
}

/** Marks the responses of an operation with what causes its failures. */
const CAUSES = Symbol('causes')

/** As `answers` was told. */
export const causesOf = (responses: unknown): Causes =>
  (responses as { [CAUSES]?: Causes } | undefined)?.[CAUSES] ?? { asked: [], problems: [] }

const isAsked = (cause: Cause): cause is Action | Asked => typeof cause === 'object' && !Array.isArray(cause)

const toAsked = (cause: Action | Asked): Asked =>
  'action' in cause ? cause : { action: cause, tells: problemsOf(cause) }

/** A success that carries headers of its own, beside those of every reply. */
export const sends = <T extends TSchema>(schema: T, ...names: HeaderName[]): T => ({
  ...schema,
  headers: Object.fromEntries(names.map(name => [name, headers[name]]))
})

/** The responses of a reply that has a version: it, and that the caller has it already. */
export const versioned = <T extends TSchema>(schema: T, ...names: HeaderName[]) => ({
  200: sends(schema, 'ETag', ...names),
  304: sends(NotModified, 'ETag', ...names)
})

/** Has the reply to this request a version? Said by the responses of its operation. */
export const isConditional = ({ routeOptions: { schema } }: FastifyRequest): boolean =>
  Object.hasOwn(Object(schema?.response), 304)

/** Marks a success that can also be had line by line, with the model of a line. */
const LINE = Symbol('line')

/** A success that the caller may also have as lines, of which it reads one after the other. */
export const orLines = <T extends TSchema>(schema: T, line: Model): T => ({ ...schema, [LINE]: line })

/**
 * The responses of an authenticated operation: its successes, and the problems that the edge, the named actions and the
 * named problems can cause. Those are thrown, and written in one place: here they are noted for the document.
 */
export const answers = <const S extends Record<number, TSchema>>(successes: S, ...causes: Cause[]): Answers<S> =>
  responses(successes, [EDGE, 'insufficient-scope', ...causes])

/** The responses of an authenticated operation that needs no scope. */
export const unscopedAnswers = <const S extends Record<number, TSchema>>(
  successes: S,
  ...causes: Cause[]
): Answers<S> => responses(successes, [EDGE, ...causes])

/** The responses of an operation that is open to everybody. */
export const openAnswers = <const S extends Record<number, TSchema>>(successes: S, ...causes: Cause[]): Answers<S> =>
  responses(successes, [OPEN_EDGE, ...causes])

const problemsOfCause = (cause: Cause): readonly ProblemName[] =>
  isAsked(cause) ? toAsked(cause).tells : [cause].flat()

const responses = <S extends Record<number, TSchema>>(successes: S, causes: Cause[]): Answers<S> => {
  const done = Object.entries(successes).map(([status, schema]) => [
    status,
    isModel(schema) ? described(schema) : schema
  ])
  const noted: Causes = {
    asked: causes.filter(isAsked).map(toAsked),
    problems: [...new Set(causes.flatMap(problemsOfCause))]
  }
  // Object.fromEntries forgets the statuses.
  return Object.assign(Object.fromEntries(done) as Answers<S>, { [CAUSES]: noted })
}

const isModel = (schema: TSchema): schema is Model => '$id' in schema && 'description' in schema

const described = (schema: Model & { [LINE]?: Model }) => ({
  ...(schema[LINE] === undefined ? ref(schema) : inEither(schema, schema[LINE])),
  description: schema.description,
  ...('headers' in schema && { headers: schema.headers })
})

const inEither = (whole: Model, line: Model) => ({
  content: { [JSON_TYPE]: { schema: ref(whole) }, [LINES_TYPE]: { schema: ref(line) } }
})
