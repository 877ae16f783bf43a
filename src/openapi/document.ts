import { type Example, examples } from '../../schemas/examples/index.ts'
import { LINES_TYPE } from '../http/accept.ts'
import { componentsOfHeaders, headersOf } from './headers.ts'
import { addModelExamples, type Schemas, type Shown } from './models.ts'
import { type DocumentedExample, PROBLEM } from './problems.ts'

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

/**
 * The document with what is the same for many operations said once, under `components`: headers, problems, and the
 * replies that tell only one problem. Every operation has its example.
 * @param mount path under which callers see the API: addresses in examples begin with it
 */
export const completed = <D extends Document>(document: D, mount: string): D => {
  const shared: Record<string, Reply> = {}
  const told = createDedupeMap()
  const shown: Shown[] = []
  for (const operation of Object.values(document.paths ?? {}).flatMap(path => Object.values(path))) {
    const example = examples[operation.operationId ?? '']
    if (example) addExample(operation, example)
    if (operation.requestBody) shown.push(...shownIn(operation.requestBody.content))
    for (const [status, reply] of Object.entries(operation.responses)) {
      reply.headers = headersOf(status, reply, mounted(example?.replies[Number(status)]?.headers, mount))
      shown.push(...shownIn(reply.content ?? {}))
      const [name, ...others] = dedupe(reply, operation.operationId ?? '', told)
      if (name === undefined || others.length > 0) continue
      shared[name] ??= reply
      // The same problem may come with other headers.
      if (JSON.stringify(shared[name]) !== JSON.stringify(reply)) continue
      operation.responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  addModelExamples((document.components?.['schemas'] ?? {}) as Schemas, shown)
  const used = JSON.stringify([document.paths, shared])
  const isUsed = (kind: string) => (name: string) => used.includes(`"#/components/${kind}/${name}"`)
  document.components = {
    ...document.components,
    responses: shared,
    headers: Object.fromEntries(componentsOfHeaders().filter(([name]) => isUsed('headers')(name))),
    examples: told.all()
  }
  // A copy in which no two places share an object, which YAML would print as anchors.
  return JSON.parse(JSON.stringify(document), (name, value) =>
    withFormat(name === 'links' ? mounted(value, mount) : value)
  )
}

/** The examples in the bodies of a request or a reply, each with its schema. */
const shownIn = (content: Content): Shown[] =>
  Object.values(content).flatMap(({ schema = {}, example, examples = {} }) =>
    // Problems are not on the shelf yet.
    [...(example === undefined ? [] : [example]), ...Object.values(examples).map(shown => Object(shown).value)].map(
      (value): Shown => [schema, value]
    )
  )

/** Addresses below the mount point; what is none stays as it is. */
const mounted = (addresses: Readonly<Record<string, unknown>> = {}, mount: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(addresses).map(([name, address]) => [
      name,
      typeof address === 'string' ? address.replace(/^<?(?=\/)/, before => `${before}${mount}`) : address
    ])
  )

/** The width of an integer follows from its bounds: said once, there. */
const withFormat = (schema: unknown): unknown => {
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
  for (const [status, { value, lines, parameters, varies }] of Object.entries(replies)) {
    const reply = operation.responses[status]
    const [media] = Object.values(reply?.content ?? {})
    if (media && value !== undefined) media.example = value
    const inLines = reply?.content?.[LINES_TYPE]
    if (inLines && lines) inLines.examples = Object.fromEntries(lines.map((value, n) => [`line-${n + 1}`, { value }]))
    if (reply && parameters) reply['x-example-request'] = { parameters }
    if (reply && varies) reply['x-varies'] = varies
  }
}

/** Puts the problems of a reply on the shelf. @returns where they stand there */
const dedupe = (reply: Reply, operationId: string, told: ReturnType<typeof createDedupeMap>): string[] => {
  const media = reply.content?.[PROBLEM]
  if (media?.examples === undefined) return []
  // `withProblems` has put them there.
  const examples = Object.entries(media.examples as Record<string, DocumentedExample>)
  const places = examples.map(([name, example]) => [name, told.placeOf(name, operationId, example)] as const)
  media.examples = Object.fromEntries(places.map(([name, at]) => [name, { $ref: `#/components/examples/${at}` }]))
  return places.map(([, at]) => at)
}

/**
 * Problems that look the same are kept once. The first of a name stands under it, any other under the name and the
 * operation that tells it first.
 */
const createDedupeMap = () => {
  const places = new Map<string, string>()
  const kept: Record<string, DocumentedExample> = {}
  return {
    placeOf(name: string, operationId: string, example: DocumentedExample): string {
      const text = JSON.stringify(example)
      const known = places.get(text)
      if (known !== undefined) return known
      const place = Object.hasOwn(kept, name) ? `${name}.${operationId}` : name
      places.set(text, place)
      kept[place] = example
      return place
    },
    /** By their places, in the order of the alphabet. */
    all: () => Object.fromEntries(Object.entries(kept).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
