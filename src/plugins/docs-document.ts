import { type Example, examples } from '../../schemas/examples/index.ts'
import { type HeaderName, headers } from '../../schemas/headers.ts'
import { models } from '../../schemas/index.ts'
import { LINES_TYPE } from '../accept.ts'
import { type DocumentedExample, PROBLEM } from './docs-problems.ts'

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

/** Headers of every reply, and those of every problem of a status. */
const ALWAYS = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Server-Timing', 'Access-Control-Allow-Origin']
const BY_STATUS: Record<string, string[]> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After']
}

/** Headers that never fail to come where they are documented. */
const CERTAIN = ['Allow', 'ETag', 'Location', 'Retry-After', 'Set-Cookie', 'WWW-Authenticate', 'X-Request-Id']

/** Those that come with one of the problems of a status and not with the others. */
const WITH_PROBLEM: Record<string, HeaderName | undefined> = {
  'session-expired': 'Set-Cookie',
  'idempotency-in-progress': 'Retry-After'
}

/**
 * The document with what is the same for many operations said once, under `components`: headers, problems, and the
 * replies that tell only one problem. Every operation has its example; where it names none, the model's stands.
 */
export const completed = <D extends Document>(document: D): D => {
  const shared: Record<string, Reply> = {}
  const told = createShelf()
  for (const operation of Object.values(document.paths ?? {}).flatMap(path => Object.values(path))) {
    const example = examples[operation.operationId ?? '']
    if (example) addExample(operation, example)
    if (operation.requestBody) addExamples(operation.requestBody.content)
    for (const [status, reply] of Object.entries(operation.responses)) {
      reply.headers = headersOf(status, reply, example?.replies[Number(status)]?.headers)
      addExamples(reply.content ?? {})
      const [name, ...others] = shelve(reply, operation.operationId ?? '', told)
      if (name === undefined || others.length > 0) continue
      shared[name] ??= reply
      // The same problem may come with other headers.
      if (JSON.stringify(shared[name]) !== JSON.stringify(reply)) continue
      operation.responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  const used = JSON.stringify([document.paths, shared])
  const isUsed = (kind: string) => (name: string) => used.includes(`"#/components/${kind}/${name}"`)
  document.components = {
    ...document.components,
    responses: shared,
    headers: Object.fromEntries(componentsOfHeaders().filter(([name]) => isUsed('headers')(name))),
    examples: told.all()
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

/** @param shown headers of which the reply has an example of its own */
const headersOf = (
  status: string,
  { headers: own = {}, content = {} }: Reply,
  shown: Readonly<Partial<Record<string, string>>> = {}
) => {
  const problems = Object.keys(content[PROBLEM]?.examples ?? {})
  const byStatus = problems.length > 0 ? (BY_STATUS[status] ?? []) : []
  const names = [...ALWAYS, ...byStatus, ...Object.keys(own)]
  const possible = [
    ...problems.flatMap(name => WITH_PROBLEM[name] ?? []),
    // Lines are on their way before anybody knows their version.
    ...(LINES_TYPE in content ? ['ETag'] : [])
  ]
  return Object.fromEntries(
    [...names, ...possible].map(name => {
      const place = possible.includes(name) ? possibly(name) : name
      const example = shown[name]
      return [name, example === undefined ? { $ref: `#/components/headers/${place}` } : { ...headerOf(name), example }]
    })
  )
}

/** Where a header stands for replies with which it need not come. */
const possibly = (name: string) => `Possible-${name}`

const addExamples = (content: Content): void => {
  for (const media of Object.values(content)) {
    const model = models.find(({ $id }) => media.schema?.$ref === `#/components/schemas/${$id}`)
    if (media.example === undefined && media.examples === undefined && model && 'examples' in model)
      media.example = [model.examples].flat()[0]
  }
}

const headerOf = (name: string) => {
  const { description, examples, ...schema } = headers[name as HeaderName]
  return { description, required: CERTAIN.includes(name), schema, example: examples[0] }
}

const componentsOfHeaders = (): [place: string, header: object][] =>
  Object.keys(headers).flatMap((name): [string, object][] => [
    [name, headerOf(name)],
    [possibly(name), { ...headerOf(name), required: false }]
  ])

/** Puts the problems of a reply on the shelf. @returns where they stand there */
const shelve = (reply: Reply, operationId: string, told: ReturnType<typeof createShelf>): string[] => {
  const media = reply.content?.[PROBLEM]
  if (media?.examples === undefined) return []
  // `docs-problems` has put them there.
  const examples = Object.entries(media.examples as Record<string, DocumentedExample>)
  const places = examples.map(([name, example]) => [name, told.placeOf(name, operationId, example)] as const)
  media.examples = Object.fromEntries(places.map(([name, at]) => [name, { $ref: `#/components/examples/${at}` }]))
  return places.map(([, at]) => at)
}

/**
 * Problems that look the same are kept once. The first of a name stands under it, any other under the name and the
 * operation that tells it first.
 */
const createShelf = () => {
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
