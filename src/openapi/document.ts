import { STATUS_CODES } from 'node:http'
import { type Example, examples } from '../../schemas/examples/index.ts'
import { PROBLEMS, RULE } from '../../schemas/scalars.ts'
import { everyReply, headerComponents, headersOf } from './headers.ts'
import { type Parameter, sharedParameters } from './parameters.ts'
import { type Reply, sharedReplies } from './replies.ts'
import { withNamedValues } from './scalars.ts'

/** The parts of an OpenAPI document that are read here. */
export interface Document {
  components?: { [kind: string]: Record<string, unknown> | undefined }
  security?: Record<string, string[]>[]
  paths?: Record<string, Record<string, Operation>>
}

interface Operation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: NonNullable<Reply['content']> }
  responses: Record<string, Reply>
  security?: unknown
  'x-example-request'?: object
}

/**
 * Adds the examples, and moves to `components` what several operations share: parameters, problems and the replies with
 * the same problems.
 * @param mount path under which callers see the API: addresses in examples begin with it
 */
export const completeDocument = <D extends Document>(document: D, mount: string): D => {
  const operations: [path: string, operation: Operation][] = []
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    // HEAD answers like GET; the description says so once.
    delete item['head']
    for (const operation of Object.values(item)) operations.push([path, operation])
  }
  for (const [path, operation] of operations) {
    const example = examples[operation.operationId]
    if (example) addExample(operation, example)
    if (JSON.stringify(operation.security) === JSON.stringify(document.security)) delete operation.security
    if (operation.parameters) operation.parameters = inOrder(operation.parameters, path)
    for (const [status, reply] of Object.entries(operation.responses)) {
      // The model says it.
      if (reply.content && status < '4') reply.description = STATUS_CODES[status] ?? ''
      const headers = headersOf(status, reply)
      if (Object.keys(headers).length > 0) reply.headers = headers
      else delete reply.headers
    }
  }
  const described = operations.map(([, operation]) => operation)
  const parameters = sharedParameters(described)
  const { responses, examples: problems } = sharedReplies(described)
  const used = JSON.stringify([document, responses, everyReply])
  document.components = {
    ...document.components,
    parameters,
    responses,
    headers: Object.fromEntries(headerComponents().filter(([name]) => used.includes(`"#/components/headers/${name}"`))),
    examples: problems
  }
  // A copy in which no two places share an object: YAML would print shared objects as anchors.
  const copy: D = JSON.parse(JSON.stringify({ ...document, 'x-every-reply': everyReply }), (name, value) =>
    completed(name, name === 'links' ? mounted(value, mount) : value)
  )
  const [result, values] = withNamedValues(copy, schema =>
    JSON.parse(JSON.stringify(schema), (name, value) => completed(name, value))
  )
  const { schemas } = result.components ?? {}
  return {
    ...result,
    components: { ...result.components, schemas: sorted({ ...schemas, ...values }) }
  }
}

const sorted = (components: object) =>
  Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1)))

/** A value of the document as callers read it. */
const completed = (name: string, value: unknown): unknown => {
  if (name === PROBLEMS || name === RULE) return undefined
  // The default of OpenAPI.
  if (name === 'required' && value === false) return undefined
  if (name === 'pattern' && typeof value === 'string') return portable(value)
  return withFormat(value)
}

/**
 * A pattern as every generator reads it: some print `\u0000` as that character, and no text in UTF-8 has a lone surrogate.
 */
const portable = (pattern: string): string =>
  pattern.replaceAll('\\ud800-\\udfff', '').replaceAll(/\\u00([0-9a-f]{2})/g, '\\x$1')

/** Puts the mount point before addresses; other values stay. */
const mounted = (addresses: Readonly<Record<string, unknown>> = {}, mount: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(addresses).map(([name, address]) => [
      name,
      typeof address === 'string' ? address.replace(/^<?(?=\/)/, before => `${before}${mount}`) : address
    ])
  )

/** Adds the format of an integer, which follows from its bounds. */
const withFormat = (schema: unknown): unknown => {
  if (typeof schema !== 'object' || schema === null || !('type' in schema) || schema.type !== 'integer') return schema
  const { maximum } = schema as { maximum?: number }
  return { ...schema, format: maximum !== undefined && maximum <= INT32_MAX ? 'int32' : 'int64' }
}

const INT32_MAX = 2 ** 31 - 1

/** The parameters of the path in its order, then the query, then the headers: generators make arguments of them. */
const inOrder = (parameters: readonly Parameter[], path: string): Parameter[] => {
  const places = ['path', 'query', 'header']
  const rank = (parameter: Parameter) =>
    places.indexOf(parameter.in) * path.length + (parameter.in === 'path' ? path.indexOf(`{${parameter.name}}`) : 0)
  return parameters.toSorted((a, b) => rank(a) - rank(b))
}

/** Puts the example request where readers and the page look for it, and its reply beside each success. */
const addExample = (
  operation: Operation,
  { parameters = {}, unfilled = [], body, refusedBody, replies }: Example
): void => {
  for (const parameter of operation.parameters ?? []) {
    if (parameter.name in parameters && !unfilled.includes(parameter.name))
      parameter.example = parameters[parameter.name]
    else delete parameter.example
  }
  if (unfilled.length > 0) {
    operation['x-example-request'] = {
      parameters: Object.fromEntries(unfilled.map(name => [name, parameters[name]])),
      ...(refusedBody && { body })
    }
  }
  for (const media of Object.values(operation.requestBody?.content ?? {}))
    media.example = refusedBody ? { ...body, ...refusedBody } : body
  for (const [status, { value, lines, parameters, varies }] of Object.entries(replies)) {
    const reply = operation.responses[status]
    const [media] = Object.values(reply?.content ?? {})
    if (media && value !== undefined) media.example = value
    if (media && lines) media.examples = Object.fromEntries(lines.map((value, n) => [`line-${n + 1}`, { value }]))
    if (reply && parameters) reply['x-example-request'] = { parameters }
    if (reply && varies) reply['x-varies'] = varies
  }
}
