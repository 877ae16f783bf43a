import { type Example, examples } from '../../schemas/examples/index.ts'
import { PROBLEMS, RULE } from '../../schemas/scalars.ts'
import { headerComponents, headersOf } from './headers.ts'
import { addModelExamples, type ModelExample, type Schemas } from './models.ts'
import { type DocumentedExample, PROBLEM } from './problems.ts'

/** The parts of an OpenAPI document that are read here. */
export interface Document {
  components?: { [kind: string]: Record<string, unknown> | undefined }
  paths?: Record<string, Record<string, Operation>>
}

interface Operation {
  operationId?: string
  parameters?: { name: string; example?: unknown }[]
  requestBody?: { content: Content }
  responses: Record<string, Reply>
  'x-example-request'?: object
}

interface Reply {
  $ref?: string
  headers?: Record<string, unknown>
  content?: Content
  'x-example-request'?: object
  'x-varies'?: readonly string[]
}

type Content = Record<string, { schema?: { $ref?: string }; example?: unknown; examples?: Record<string, unknown> }>

/**
 * Adds the examples, and moves to `components` what many operations share: headers, problems, and the replies with only
 * one problem.
 * @param mount path under which callers see the API: addresses in examples begin with it
 */
export const completeDocument = <D extends Document>(document: D, mount: string): D => {
  const shared: Record<string, Reply> = {}
  const problems = createDedupeMap()
  const modelExamples: ModelExample[] = []
  // HEAD answers like GET; the description says so once.
  for (const path of Object.values(document.paths ?? {})) delete path['head']
  for (const operation of Object.values(document.paths ?? {}).flatMap(path => Object.values(path))) {
    const example = examples[operation.operationId ?? '']
    if (example) addExample(operation, example)
    if (operation.requestBody) modelExamples.push(...examplesIn(operation.requestBody.content))
    for (const [status, reply] of Object.entries(operation.responses)) {
      reply.headers = headersOf(status, reply, mounted(example?.replies[Number(status)]?.headers, mount))
      modelExamples.push(...examplesIn(reply.content ?? {}))
      const [name, ...others] = dedupe(reply, operation.operationId ?? '', problems)
      if (name === undefined || others.length > 0) continue
      shared[name] ??= reply
      // The same problem may have other headers in another operation.
      if (JSON.stringify(shared[name]) !== JSON.stringify(reply)) continue
      operation.responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  addModelExamples((document.components?.['schemas'] ?? {}) as Schemas, modelExamples)
  const used = JSON.stringify([document.paths, shared])
  const isUsed = (kind: string) => (name: string) => used.includes(`"#/components/${kind}/${name}"`)
  document.components = {
    ...document.components,
    responses: shared,
    headers: Object.fromEntries(headerComponents().filter(([name]) => isUsed('headers')(name))),
    examples: problems.all()
  }
  // A copy in which no two places share an object: YAML would print shared objects as anchors.
  return JSON.parse(JSON.stringify(document), (name, value) =>
    name === PROBLEMS || name === RULE ? undefined : withFormat(name === 'links' ? mounted(value, mount) : value)
  )
}

/** The examples in the bodies of a request or a reply, each with its schema. */
const examplesIn = (content: Content): ModelExample[] =>
  Object.values(content).flatMap(({ schema = {}, example, examples = {} }) =>
    // Called before `dedupe` replaces the problems by references.
    [...(example === undefined ? [] : [example]), ...Object.values(examples).map(each => Object(each).value)].map(
      (value): ModelExample => [schema, value]
    )
  )

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

/** Replaces the problems of a reply by references. @returns their names under `components/examples` */
const dedupe = (reply: Reply, operationId: string, map: ReturnType<typeof createDedupeMap>): string[] => {
  const media = reply.content?.[PROBLEM]
  if (media?.examples === undefined) return []
  // `withProblems` put them there.
  const examples = Object.entries(media.examples as Record<string, DocumentedExample>)
  const names = examples.map(([name, example]) => [name, map.nameOf(name, operationId, example)] as const)
  media.examples = Object.fromEntries(names.map(([name, at]) => [name, { $ref: `#/components/examples/${at}` }]))
  return names.map(([, at]) => at)
}

/**
 * Keeps equal examples once. The first example of a problem has the problem's name, another one the name of the problem
 * and of the first operation that has it.
 */
const createDedupeMap = () => {
  const names = new Map<string, string>()
  const kept: Record<string, DocumentedExample> = {}
  return {
    nameOf(problem: string, operationId: string, example: DocumentedExample): string {
      const text = JSON.stringify(example)
      const known = names.get(text)
      if (known !== undefined) return known
      const name = Object.hasOwn(kept, problem) ? `${problem}.${operationId}` : problem
      names.set(text, name)
      kept[name] = example
      return name
    },
    /** All examples by name, sorted. */
    all: () => Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
