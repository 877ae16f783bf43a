import { readFileSync } from 'node:fs'
import type { Static } from 'typebox'
import { parse } from 'yaml'
import type { ProblemDetails, ProblemName } from '../../../schemas/problems.ts'

/** The parts of `openapi.yaml` that tests read. */
export interface Document {
  info: { description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Described>>
  /** The authentication of operations that name no other. */
  security: Record<string, string[]>[]
  components: {
    parameters: Record<string, Parameter>
    schemas: Record<string, { description?: string; examples?: unknown[]; [keyword: string]: unknown }>
    responses: Record<string, DescribedReply>
    headers: Record<string, { schema: object; required?: boolean }>
    examples: Record<string, DescribedProblem>
  }
  'x-every-reply': { headers: Record<string, { $ref: string }> }
  /** Replies to requests that are no operation, by status. */
  'x-unrouted': Record<string, UnroutedReply>
}

interface UnroutedReply {
  headers?: Record<string, { $ref: string }>
  content: Record<string, Media>
  'x-problems': Record<string, ProblemName[]>
  'x-example-request': { method: string; path: string }
}

export interface DescribedProblem {
  value: ProblemExample
  /** JSON pointers to members that differ in each reply. */
  'x-varies'?: string[]
}

type ProblemExample = Static<typeof ProblemDetails>

interface Described {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security?: Record<string, string[]>[]
  parameters?: (Parameter | { $ref: string })[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, DescribedReply>
  'x-required-scope': string
  'x-rate-class'?: string
  'x-rate-cost'?: number
  'x-upstream-action'?: string[]
  /** What the page leaves for its reader to fill in. */
  'x-example-request'?: { parameters: Record<string, string | number | boolean>; body?: object }
}

/** With what the document says once. */
export interface Operation extends Described {
  path: string
  method: string
  security: Record<string, string[]>[]
  parameters: Parameter[]
  'x-rate-class': string
  'x-rate-cost': number
  'x-upstream-action': string[]
}

export interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  description: string
  required?: boolean
  schema: object
  example?: string | number | boolean
}

export interface Media {
  schema: { $ref?: string }
  example?: unknown
  examples?: Record<string, { $ref?: string; value?: unknown }>
}

export interface DescribedReply {
  $ref?: string
  description: string
  /** Only of a reply that is not a reference. */
  headers?: Record<string, { $ref: string }>
  content?: Record<string, Media>
  /** Parameters that differ from the example of the operation. */
  'x-example-request'?: { parameters: Record<string, string | number | boolean> }
  /** JSON pointers to members of the example that differ in each reply. */
  'x-varies'?: string[]
  /** The names of its problems by status. */
  'x-problems'?: Record<string, ProblemName[]>
}

/** The committed `openapi.yaml`. */
export const committedDocument = (): Document => parse(readFileSync('openapi.yaml', 'utf8'))

export const operationsOf = ({
  paths,
  components,
  security
}: Pick<Document, 'paths' | 'components' | 'security'>): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      path,
      method: method.toUpperCase(),
      security,
      'x-rate-class': 'read',
      'x-rate-cost': 1,
      'x-upstream-action': [],
      ...operation,
      parameters: (operation.parameters ?? []).map(each => followed<Parameter>(each, components.parameters))
    }))
  )

/** The name at the end of a reference. */
export const nameIn = (reference = '') => reference.split('/').at(-1) ?? ''

/** What a reference refers to, or what is there itself. @throws TypeError for a reference to nothing */
const followed = <T extends object>(given: T | { $ref?: string }, components: Record<string, T>): T => {
  if (!('$ref' in given) || given.$ref === undefined) return given as T
  const found = components[nameIn(given.$ref)]
  if (!found) throw new TypeError(`${given.$ref} refers to nothing`)
  return found
}

/** What an operation can answer, references followed; `default` stands for any other failure. */
export const repliesOf = ({ components }: Document, { responses }: Operation): [status: string, DescribedReply][] =>
  Object.entries(responses).map(([status, reply]) => [status, followed(reply, components.responses)])

/** The names of the problems in a reply. */
export const problemsIn = (reply: Pick<DescribedReply, 'x-problems'>): ProblemName[] =>
  Object.values(reply['x-problems'] ?? {}).flat()

/** The problems that a reply shows, with the example of each. */
const examplesIn = ({ components }: Document, { content = {} }: DescribedReply): [ProblemName, DescribedProblem][] =>
  Object.entries(content['application/problem+json']?.examples ?? {}).map(([name, example]) => [
    // The document is held to the catalogue elsewhere.
    name as ProblemName,
    followed(example, components.examples)
  ])

/** The problems of an operation that the document names; `default` has those of any operation. */
export const problemsOf = (document: Document, operation: Operation): ProblemName[] =>
  repliesOf(document, operation).flatMap(([at, reply]) =>
    Object.entries(reply['x-problems'] ?? {}).flatMap(([status, names]) =>
      at !== 'default' || !(status in operation.responses) ? names : []
    )
  )

/** Every problem that the document names. */
export const namedProblems = (document: Document): Set<ProblemName> =>
  new Set(
    [...Object.values(document['x-unrouted']), ...Object.values(document.components.responses)].flatMap(problemsIn)
  )

/** Every problem that the document shows, with its one example. */
export const exampleProblems = (document: Document): Map<ProblemName, DescribedProblem> =>
  new Map(Object.values(document.components.responses).flatMap(reply => examplesIn(document, reply)))

/** Values of parameters by name; undefined omits the parameter. */
export type Given = Readonly<Record<string, string | number | boolean | undefined>>

/** The example request of the document, with other values for some parameters. */
export const requestOf = (operation: Operation, otherwise: Given = {}) => {
  const values = operation.parameters.map(({ in: place, name, example }) => ({
    place,
    name,
    value: name in otherwise ? otherwise[name] : (example ?? operation['x-example-request']?.parameters[name])
  }))
  const given = values.filter(({ value }) => value !== undefined)
  const texts = (wanted: Parameter['in']) =>
    given.filter(({ place }) => place === wanted).map(({ name, value }): [string, string] => [name, String(value)])
  const segments = new Map(texts('path'))
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(segments.get(name) ?? ''))
  const query = new URLSearchParams(texts('query'))
  return {
    path: query.size > 0 ? `${path}?${query}` : path,
    headers: Object.fromEntries(texts('header')),
    body: operation['x-example-request']?.body ?? Object.values(operation.requestBody?.content ?? {})[0]?.example
  }
}
