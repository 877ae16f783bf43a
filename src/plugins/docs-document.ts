import { type Example, examples } from '../../schemas/examples/index.ts'
import { type HeaderName, headers } from '../../schemas/headers.ts'
import { models } from '../../schemas/index.ts'
import { type ProblemName, problemNames, problems } from '../../schemas/problems.ts'
import { exampleProblem } from '../problem.ts'

/** What of an OpenAPI document is looked at here. */
export interface Document {
  components?: { [kind: string]: Record<string, unknown> | undefined }
  paths?: Record<string, Record<string, Operation>>
}

interface Operation {
  operationId?: string
  parameters?: { name: string; example?: unknown }[]
  requestBody?: { content: Content }
  responses: Record<string, Reply>
}

interface Reply {
  $ref?: string
  headers?: Record<string, unknown>
  content?: Content
  'x-example-request'?: object
  'x-varies'?: readonly string[]
}

type Content = Record<string, { schema?: { $ref?: string }; example?: unknown; examples?: Record<string, unknown> }>

const PROBLEM = 'application/problem+json'

/** Headers of every reply, before its others. */
export const ALWAYS = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Server-Timing', 'Access-Control-Allow-Origin']

/** Headers that come with a status. */
const BY_STATUS: Record<string, string[]> = { 401: ['WWW-Authenticate'], 429: ['Retry-After'], 503: ['Retry-After'] }

/** Headers that never fail to come where they are documented. */
const CERTAIN = ['Location', 'Set-Cookie', 'WWW-Authenticate', 'X-Request-Id']

/**
 * The document with what is the same for many operations said once, under `components`: headers, problems, and the
 * replies that tell only one problem. Every operation has its example; where it names none, the model's stands.
 * @param publicUrl base of the problem types
 */
export const completed = <D extends Document>(document: D, publicUrl: string): D => {
  const shared: Record<string, Reply> = {}
  for (const operation of Object.values(document.paths ?? {}).flatMap(path => Object.values(path))) {
    const example = examples[operation.operationId ?? '']
    if (example) addExample(operation, example)
    if (operation.requestBody) addExamples(operation.requestBody.content)
    for (const [status, reply] of Object.entries(operation.responses)) {
      reply.headers = headersOf(status, reply)
      addExamples(reply.content ?? {})
      const [name, ...others] = Object.keys(reply.content?.[PROBLEM]?.examples ?? {})
      if (name === undefined || others.length > 0) continue
      shared[name] = reply
      operation.responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  const used = JSON.stringify([document.paths, shared])
  const isUsed = (kind: string) => (name: string) => used.includes(`"#/components/${kind}/${name}"`)
  document.components = {
    ...document.components,
    responses: shared,
    headers: Object.fromEntries(Object.keys(headers).filter(isUsed('headers')).map(componentOfHeader)),
    examples: Object.fromEntries(
      problemNames.filter(isUsed('examples')).map(name => componentOfProblem(name, publicUrl))
    )
  }
  // A copy in which no two places share an object, which YAML would print as anchors.
  return JSON.parse(JSON.stringify(document), withFormat)
}

/** The width of an integer follows from its bounds: said once, there. */
const withFormat = (_name: string, schema: unknown): unknown => {
  if (typeof schema !== 'object' || schema === null || !('type' in schema) || schema.type !== 'integer') return schema
  const { maximum } = schema as { maximum?: number }
  return { ...schema, format: maximum !== undefined && maximum <= INT32_MAX ? 'int32' : 'int64' }
}

const INT32_MAX = 2 ** 31 - 1

/** The working request in the places where a reader, and the page, look for it; and beside each success what answers it. */
const addExample = (operation: Operation, { parameters = {}, body, replies }: Example): void => {
  for (const parameter of operation.parameters ?? []) {
    if (parameter.name in parameters) parameter.example = parameters[parameter.name]
    else delete parameter.example
  }
  for (const media of Object.values(operation.requestBody?.content ?? {})) media.example = body
  for (const [status, { value, parameters, varies }] of Object.entries(replies)) {
    const reply = operation.responses[status]
    const [media] = Object.values(reply?.content ?? {})
    if (media && value !== undefined) media.example = value
    if (reply && parameters) reply['x-example-request'] = { parameters }
    if (reply && varies) reply['x-varies'] = varies
  }
}

const headersOf = (status: string, { headers: own = {} }: Reply) => {
  const names = [...ALWAYS, ...(BY_STATUS[status] ?? []), ...Object.keys(own)]
  return Object.fromEntries(names.map(name => [name, { $ref: `#/components/headers/${name}` }]))
}

const addExamples = (content: Content): void => {
  for (const media of Object.values(content)) {
    const model = models.find(({ $id }) => media.schema?.$ref === `#/components/schemas/${$id}`)
    if (media.example === undefined && media.examples === undefined && model && 'examples' in model)
      media.example = [model.examples].flat()[0]
  }
}

const componentOfHeader = (name: string) => {
  const { description, examples, ...schema } = headers[name as HeaderName]
  return [name, { description, required: CERTAIN.includes(name), schema, example: examples[0] }]
}

const componentOfProblem = (name: ProblemName, publicUrl: string) => [
  name,
  { summary: problems[name].title, value: exampleProblem(name, publicUrl) }
]
