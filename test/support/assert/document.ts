import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** The parts of `openapi.yaml` that tests read. */
export interface Document {
  info: { description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Described>>
  components: {
    schemas: Record<string, { description?: string; examples?: unknown[]; [keyword: string]: unknown }>
    responses: Record<string, DescribedReply>
    headers: Record<string, { schema: object; example: unknown }>
    examples: Record<string, DescribedProblem>
  }
  /** Replies to requests that are no operation, by status. */
  'x-unrouted': Record<string, UnroutedReply>
}

interface UnroutedReply {
  headers: Record<string, { example?: string }>
  content: Record<string, { examples: Record<string, DescribedProblem> }>
  'x-example-request': { method: string; path: string }
}

export interface DescribedProblem {
  summary: string
  value: ProblemExample
  /** JSON pointers to members that differ in each reply. */
  'x-varies'?: string[]
}

interface ProblemExample extends Record<string, unknown> {
  type: string
  title: string
  status: number
  detail: string
  retryable: boolean
  upstream?: { action: string; message: string }
}

interface Described {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security: Record<string, string[]>[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, DescribedReply>
  'x-required-scope': string
  'x-rate-class': string
  'x-rate-cost': number
  'x-upstream-action': string[]
  /** What the page leaves for its reader to fill in. */
  'x-example-request'?: { parameters: Record<string, string | number | boolean>; body?: object }
}

export interface Operation extends Described {
  path: string
  method: string
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
  headers?: Record<string, { $ref?: string; required?: boolean; example?: string }>
  content?: Record<string, Media>
  /** Parameters that differ from the example of the operation. */
  'x-example-request'?: { parameters: Record<string, string | number | boolean> }
  /** JSON pointers to members of the example that differ in each reply. */
  'x-varies'?: string[]
}

/** The committed `openapi.yaml`. */
export const committedDocument = (): Document => parse(readFileSync('openapi.yaml', 'utf8'))

export const operationsOf = ({ paths }: Pick<Document, 'paths'>): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation }))
  )

/** The name at the end of a reference. */
export const nameIn = (reference = '') => reference.split('/').at(-1) ?? ''

/** What an operation can answer, references followed. @throws TypeError for a reference to nothing */
export const repliesOf = ({ components }: Document, { responses }: Operation): [status: string, DescribedReply][] =>
  Object.entries(responses).map(([status, reply]) => {
    const found = reply.$ref === undefined ? reply : components.responses[nameIn(reply.$ref)]
    if (!found) throw new TypeError(`${status} refers to nothing`)
    return [status, found]
  })

/** The documented problems of an operation with their examples. */
export const problemsOf = (document: Document, operation: Operation): [name: string, DescribedProblem][] =>
  repliesOf(document, operation).flatMap(([, { content = {} }]) => {
    const listed = Object.entries(content['application/problem+json']?.examples ?? {})
    return listed.map(([name, { $ref }]): [string, DescribedProblem] => {
      const example = document.components.examples[nameIn($ref)]
      if (!example) throw new TypeError(`${$ref} is not there`)
      return [name, example]
    })
  })

/** Values of parameters by name; undefined omits the parameter. */
export type Given = Readonly<Record<string, string | number | boolean | undefined>>

/** The example request of the document, with other values for some parameters. */
export const requestOf = (operation: Operation, otherwise: Given = {}) => {
  const values = (operation.parameters ?? []).map(({ in: place, name, example }) => ({
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
