import type { FastifyRequest } from 'fastify'
import type { Static, TSchema, TUnsafe } from 'typebox'
import { type HeaderName, headers } from '../schemas/headers.ts'
import { type Model, ref } from '../schemas/model.ts'
import { ProblemDetails, type ProblemName, problems } from '../schemas/problems.ts'
import { NotModified } from '../schemas/status.ts'
import { JSON_TYPE, LINES_TYPE } from './accept.ts'
import type { Action } from './upstream/action.ts'
import { problemsOf } from './upstream/failures.ts'

/** Problems that any authenticated operation can answer, before it has asked HOSTKEY anything. */
const EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'unauthenticated',
  'invalid-token',
  'session-expired',
  'csrf-rejected',
  'insufficient-scope',
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

type Cause = Action | ProblemName | ProblemName[]

/** Marks the responses of an operation with the names of the actions that it may call. */
const ACTIONS = Symbol('actions')

/** The actions that an operation may call, as `answers` was told them. */
export const actionsOf = (responses: unknown): readonly string[] =>
  (responses as { [ACTIONS]?: readonly string[] } | undefined)?.[ACTIONS] ?? []

const callOf = ({ script, name }: Action) => `${script.replace('.php', '')}/${name}`

const isAction = (cause: Cause): cause is Action => typeof cause === 'object' && !Array.isArray(cause)

/** A success that carries headers of its own, beside those of every reply. */
export const sends = <T extends TSchema>(schema: T, ...names: HeaderName[]): T => ({
  ...schema,
  headers: Object.fromEntries(names.map(name => [name, headers[name]]))
})

/** The responses of a reply that has a version: it, and that the caller has it already. */
export const versioned = <T extends TSchema>(schema: T, ...names: HeaderName[]) => ({
  200: sends(schema, 'ETag', ...names),
  304: sends(NotModified, 'ETag')
})

/** Has the reply to this request a version? Said by the responses of its operation. */
export const isConditional = ({ routeOptions: { schema } }: FastifyRequest): boolean =>
  Object.hasOwn(Object(schema?.response), 304)

/** Marks a success that can also be had line by line, with the model of a line. */
const LINE = Symbol('line')

/** A success that the caller may also have as lines, of which it reads one after the other. */
export const orLines = <T extends TSchema>(schema: T, line: Model): T => ({ ...schema, [LINE]: line })

/**
 * The responses of an authenticated operation: its successes, and one response for each status of the problems that
 * the edge, the named actions and the named problems can cause.
 */
export const answers = <const S extends Record<number, TSchema>>(successes: S, ...causes: Cause[]): Answers<S> =>
  responses(successes, [EDGE, ...causes])

/** The responses of an operation that is open to everybody. */
export const openAnswers = <const S extends Record<number, TSchema>>(successes: S, ...causes: Cause[]): Answers<S> =>
  responses(successes, [OPEN_EDGE, ...causes])

const problemsOfCause = (cause: Cause): ProblemName[] => (isAction(cause) ? problemsOf(cause) : [cause].flat())

const responses = <S extends Record<number, TSchema>>(successes: S, causes: Cause[]): Answers<S> => {
  const names = new Set(causes.flatMap(problemsOfCause))
  const byStatus = Map.groupBy(names, name => problems[name].status)
  const failures = [...byStatus].sort(([a], [b]) => a - b).map(([status, names]) => [status, problemResponse(names)])
  const done = Object.entries(successes).map(([status, schema]) => [
    status,
    isModel(schema) ? described(schema) : schema
  ])
  // Handlers reply with successes only, problems are thrown: so only the successes stand in the type.
  const made = Object.fromEntries([...done, ...failures]) as Answers<S>
  return Object.assign(made, { [ACTIONS]: causes.filter(isAction).map(callOf) })
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

const problemResponse = (names: ProblemName[]) => ({
  description: names.map(name => `\`${name}\`: ${problems[name].title}.`).join(' '),
  content: {
    'application/problem+json': {
      schema: ref(ProblemDetails),
      // `plugins/docs` puts one example of each problem there.
      examples: Object.fromEntries(names.map(name => [name, { $ref: `#/components/examples/${name}` }]))
    }
  }
})
