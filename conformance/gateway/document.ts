import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { Mismatch } from '../report.ts'
import type { HttpResponse } from '../sender.ts'

/** The parts of an OpenAPI document that the suite reads. */
export interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>
  readonly components: {
    readonly headers?: Readonly<Record<string, Header | undefined>>
    readonly responses?: Readonly<Record<string, Reply | undefined>>
    readonly parameters?: Readonly<Record<string, Parameter | undefined>>
    readonly schemas?: Readonly<Record<string, { properties?: Record<string, { enum?: string[] }> } | undefined>>
  }
  /** The authentication of operations that name no other. */
  readonly security?: readonly object[]
  readonly 'x-every-reply'?: Reply
}

export interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[]
  readonly responses: Readonly<Record<string, Reply | { readonly $ref: string } | undefined>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly example?: unknown
}

export interface Reply {
  readonly headers?: Readonly<Record<string, Header | { readonly $ref: string }>>
  readonly content?: Readonly<Record<string, object | undefined>>
  /** The names of its problems by status. */
  readonly 'x-problems'?: Readonly<Record<string, readonly string[]>>
}

interface Header {
  readonly required?: boolean
  readonly schema: object
}

/** An operation with its path and method, and with what the document says once. */
export interface DocumentedOperation {
  readonly path: string
  readonly method: string
  readonly operation: Operation
  readonly parameters: readonly Parameter[]
  readonly isOpen: boolean
}

export interface Contract {
  readonly document: OpenApi
  operation(operationId: string): DocumentedOperation | undefined
  operations(): DocumentedOperation[]
  /** @returns the documented reply, and the JSON pointer to it */
  replyOf(documented: DocumentedOperation, status: number): { reply: Reply; at: string } | undefined
  /** @throws Mismatch an undocumented status, header, media type, member or problem */
  assertDocumented(documented: DocumentedOperation, response: HttpResponse): void
  /** @throws Mismatch the response is not a documented problem */
  assertProblem(response: HttpResponse): void
}

const nameIn = (reference: string) => reference.split('/').at(-1) ?? ''

const pointer = (...parts: string[]) =>
  parts.map(part => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

/** Parses the document of a gateway. @throws Mismatch it is not an OpenAPI document */
export const contractOf = (text: string): Contract => {
  const document = documentIn(text)
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  const assertValid = (ref: string, value: unknown, what: string) => {
    const validate = ajv.getSchema(`api#${ref}`) ?? ajv.compile({ $ref: `api#${ref}` })
    // The messages of ajv contain names and rules, no values.
    if (!validate(value)) throw new Mismatch(`${what}: ${ajv.errorsText(validate.errors, { dataVar: 'body' })}`)
  }
  const parametersOf = ({ parameters = [] }: Operation): Parameter[] =>
    parameters.flatMap(given =>
      '$ref' in given ? (document.components.parameters?.[nameIn(given.$ref)] ?? []) : given
    )
  const documentedOperations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => {
      if (!operation) return []
      const isOpen = (operation.security ?? document.security ?? []).length === 0
      return [{ path, method, operation, parameters: parametersOf(operation), isOpen }]
    })
  )

  /** The statuses of the problems that any operation can answer. */
  const general = new Set(Object.keys(document.components.responses?.['default']?.['x-problems'] ?? {}).map(Number))

  const replyOf: Contract['replyOf'] = ({ path, method, operation }, status) => {
    const key = status in operation.responses || !general.has(status) ? `${status}` : 'default'
    const reply = operation.responses[key]
    if (reply === undefined) return undefined
    if (!('$ref' in reply)) return { reply, at: pointer('paths', path, method, 'responses', key) }
    const name = nameIn(reply.$ref)
    const shared = document.components.responses?.[name]
    return shared && { reply: shared, at: pointer('components', 'responses', name) }
  }

  /** A header and the JSON pointer to it: under `components`, or inline in the reply. */
  const headerOf = (header: Header | { readonly $ref: string }, at: string) => {
    if (!('$ref' in header)) return { header, at }
    const name = nameIn(header.$ref)
    return { header: document.components.headers?.[name], at: pointer('components', 'headers', name) }
  }

  const assertHeaders = ({ headers: documented = {} }: Reply, replyAt: string, { status, headers }: HttpResponse) => {
    for (const [name, given] of Object.entries({ ...documented, ...document['x-every-reply']?.headers })) {
      const sent = headers[name.toLowerCase()]
      const { header, at } = headerOf(given, `${replyAt}${pointer('headers', name)}`)
      if (sent !== undefined) assertValid(`${at}/schema`, sent, `header ${name}`)
      else if (header?.required || ALWAYS.has(name)) throw new Mismatch(`${status} lacks the header ${name}`)
    }
  }

  const assertBody = (reply: Reply, at: string, { status, headers, text }: HttpResponse) => {
    if (text === '' && reply.content === undefined) return
    const type = headers['content-type']?.split(';')[0] ?? 'no media type'
    if (text === '') throw new Mismatch(`the body of ${status} is empty`)
    if (reply.content?.[type] === undefined) throw new Mismatch(`${status} as ${type} is not documented`)
    if (!type.endsWith('json')) return
    const schema = `${at}${pointer('content', type)}/schema`
    const texts = type.endsWith('x-ndjson') ? text.trimEnd().split('\n') : [text]
    for (const one of texts) assertValid(schema, jsonIn(one), `${status} differs from the document`)
    if (type !== 'application/problem+json') return
    const name = problemName(text)
    if (!reply['x-problems']?.[status]?.includes(name)) throw new Mismatch(`${status} ${name} is not documented`)
  }

  return {
    document,
    operations: () => documentedOperations,
    operation: id => documentedOperations.find(({ operation }) => operation.operationId === id),
    replyOf,
    assertDocumented(documented, response) {
      const found = replyOf(documented, response.status)
      if (!found) throw new Mismatch(`${response.status} is not documented${problemSuffix(response)}`)
      assertHeaders(found.reply, found.at, response)
      assertBody(found.reply, found.at, response)
    },
    assertProblem(response) {
      const type = response.headers['content-type']?.split(';')[0]
      if (type !== 'application/problem+json')
        throw new Mismatch(`${response.status} has the media type ${type ?? 'none'}`)
      assertValid(
        '/components/schemas/Problem',
        jsonIn(response.text),
        `${response.status} is not a documented problem`
      )
    }
  }
}

/** Headers that the document does not require, but every reply of an operation has. */
const ALWAYS = new Set(['Server-Timing'])

const documentIn = (text: string): OpenApi => {
  const value = jsonIn(text)
  if (typeof value === 'object' && value !== null && 'openapi' in value && 'paths' in value && 'components' in value) {
    // The cast covers more than is checked here; a document that lacks the rest fails later checks.
    return value as OpenApi
  }
  throw new Mismatch('/openapi.json is not an OpenAPI document')
}

/** @throws Mismatch */
export const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Mismatch('the body is not JSON')
  }
}

/** The name of a problem: the last segment of its type. */
export const problemName = (text: string): string => {
  const body = jsonIn(text)
  const type = typeof body === 'object' && body !== null && 'type' in body ? String(body.type) : ''
  return type.split('/').at(-1) ?? ''
}

const problemSuffix = ({ headers, text }: HttpResponse) =>
  headers['content-type']?.startsWith('application/problem+json') ? ` (${problemName(text)})` : ''
