import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** What of `openapi.yaml` is looked at by tests of its examples and bounds. */
export interface Document {
  paths: Record<string, Record<string, Described>>
  components: {
    schemas: Record<string, object>
    responses: Record<string, DescribedReply>
    examples: Record<string, { summary: string; value: ProblemExample }>
  }
}

export interface ProblemExample extends Record<string, unknown> {
  type: string
  title: string
  status: number
  retryable: boolean
}

interface Described {
  operationId: string
  summary: string
  description: string
  tags: string[]
  security: object[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, DescribedReply>
  'x-required-scope': string
  'x-rate-class': string
  'x-rate-cost': number
  'x-upstream-action': string[]
}

export interface Operation extends Described {
  path: string
  method: string
}

export interface Parameter {
  in: 'path' | 'query' | 'header'
  name: string
  required?: boolean
  schema: object
  example?: string | number | boolean
}

export interface Media {
  schema: { $ref?: string }
  example?: unknown
  examples?: Record<string, { $ref: string }>
}

export interface DescribedReply {
  $ref?: string
  description: string
  content?: Record<string, Media>
  /** What the request has otherwise than in the operation's own example. */
  'x-example-request'?: { parameters: Record<string, string | number | boolean> }
  /** JSON pointers to members of the example that are others each time. */
  'x-varies'?: string[]
}

/** The committed document, as a caller reads it. */
export const committedDocument = (): Document => parse(readFileSync('openapi.yaml', 'utf8'))

export const operationsOf = ({ paths }: Document): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation }))
  )

/** The names of the problems that a reply can tell. */
export const problemsIn = ({ components }: Document, reply: DescribedReply): string[] => {
  const found = reply.$ref === undefined ? reply : components.responses[reply.$ref.split('/').at(-1) ?? '']
  return Object.keys(found?.content?.['application/problem+json']?.examples ?? {})
}

/** The request that the document gives as an example: for one of its successes, where they differ. */
export const requestOf = (operation: Operation, reply?: DescribedReply) => {
  const values = (operation.parameters ?? []).map(({ in: place, name, example }) => ({
    place,
    name,
    value: reply?.['x-example-request']?.parameters[name] ?? example
  }))
  const given = values.filter(({ value }) => value !== undefined)
  const texts = (wanted: Parameter['in']) =>
    given.filter(({ place }) => place === wanted).map(({ name, value }): [string, string] => [name, String(value)])
  const path = texts('path').reduce(
    (path, [name, value]) => path.replace(`{${name}}`, encodeURIComponent(value)),
    operation.path
  )
  const query = new URLSearchParams(texts('query'))
  return {
    path: query.size > 0 ? `${path}?${query}` : path,
    headers: Object.fromEntries(texts('header')),
    body: Object.values(operation.requestBody?.content ?? {})[0]?.example
  }
}
