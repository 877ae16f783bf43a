import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig, FastifyRequest } from 'fastify'
import type { Static, TSchema, TUnsafe } from 'typebox'
import { type Model, ref } from '../schemas/model.ts'
import { ProblemDetails, type ProblemName, problems } from '../schemas/problems.ts'
import type { Errand } from './caller.ts'
import { exampleProblem } from './problem.ts'
import type { Action } from './upstream/action.ts'
import type { Upstream } from './upstream/client.ts'
import { problemsOf } from './upstream/failures.ts'

/** What every route file is handed. */
export interface Deps {
  upstream: Upstream
  /** Path under which callers see the API, before every address that a reply names: empty, or `/something`. */
  mount: string
  /** Pauses before each look for what a write has made: HOSTKEY's lists may lag (assumed). */
  settleMs: readonly number[]
}

/** A route file: the operations of one resource. */
export type Routes = FastifyPluginAsyncTypebox<Deps>

/** What a caller may be allowed to do. */
export type Scope =
  | 'accounts:read'
  | 'accounts:write'
  | 'accounts:delete'
  | 'buckets:read'
  | 'buckets:write'
  | 'files:read'
  | 'files:delete'
  | 'keys:read'
  | 'orders:write'
  | 'plans:read'
  | 'admin'

/** Operations of one class draw from one limit. */
export type RateClass = 'read' | 'write' | 'delete' | 'key' | 'order' | 'usage'

/** What an operation asks of its caller. */
export interface Needs {
  scope: Scope
  rate: RateClass
}

/** The route's config: the scope that the operation needs, and the limit that it draws from. */
export const needs = (scope: Scope, rate: RateClass): FastifyContextConfig & Needs => ({ scope, rate })

/** What the route asks of its caller; undefined for the open routes. */
export const needsOf = (config: unknown): Needs | undefined =>
  typeof config === 'object' && config !== null && 'scope' in config && 'rate' in config ? (config as Needs) : undefined

/** The name under which `plugins/authenticate` keeps the errand on the request. */
export const ERRAND = 'errand'

/** The request's errand upstream: who asks, and when to give up. */
export const errandOf = (request: FastifyRequest): Errand => request.getDecorator<Errand>(ERRAND)

/** Problems that any authenticated operation can answer, before it has asked HOSTKEY anything. */
const EDGE: ProblemName[] = [
  'invalid-request',
  'malformed-url',
  'unauthenticated',
  'insufficient-scope',
  'not-acceptable',
  'uri-too-long',
  'rate-limited',
  'headers-too-large',
  'internal',
  'overloaded',
  'draining'
]

/** Problems of an operation that takes a body. */
export const BODY: ProblemName[] = ['body-too-large', 'unsupported-media-type']

type Answers<S extends Record<number, TSchema>> = {
  [K in keyof S]: S[K] extends TSchema ? TUnsafe<Static<S[K]>> : never
}

/**
 * The responses of an authenticated operation: its successes, and one response for each status of the problems that
 * the edge, the named actions and the named problems can cause.
 */
export const answers = <const S extends Record<number, TSchema>>(
  successes: S,
  ...causes: (Action | ProblemName | ProblemName[])[]
): Answers<S> => responses(successes, [...EDGE, ...causes.flatMap(problemsOfCause)])

/** The responses of an operation that is open to everybody and asks HOSTKEY nothing. */
export const openAnswers = <const S extends Record<number, TSchema>>(
  successes: S,
  ...names: ProblemName[]
): Answers<S> =>
  responses(successes, [
    'invalid-request',
    'malformed-url',
    'not-acceptable',
    'uri-too-long',
    'rate-limited',
    'headers-too-large',
    'internal',
    ...names
  ])

const problemsOfCause = (cause: Action | ProblemName | ProblemName[]): ProblemName[] => {
  if (typeof cause === 'string') return [cause]
  return Array.isArray(cause) ? cause : problemsOf(cause)
}

const responses = <S extends Record<number, TSchema>>(successes: S, names: ProblemName[]): Answers<S> => {
  const byStatus = Map.groupBy(new Set(names), name => problems[name].status)
  const failures = [...byStatus].sort(([a], [b]) => a - b).map(([status, names]) => [status, problemResponse(names)])
  const done = Object.entries(successes).map(([status, schema]) => [
    status,
    isModel(schema) ? described(schema) : schema
  ])
  // Handlers reply with successes only, problems are thrown: so only the successes stand in the type.
  return Object.fromEntries([...done, ...failures]) as Answers<S>
}

const isModel = (schema: TSchema): schema is Model => '$id' in schema && 'description' in schema

const described = (schema: Model) => ({ ...ref(schema), description: schema.description })

const problemResponse = (names: ProblemName[]) => ({
  description: names.map(name => `\`${name}\`: ${problems[name].title}.`).join(' '),
  content: {
    'application/problem+json': {
      schema: ref(ProblemDetails),
      examples: Object.fromEntries(names.map(name => [name, { value: exampleProblem(name) }]))
    }
  }
})
