import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { Mismatch } from '../report.ts'
import type { Answer } from '../sender.ts'

/** What of OpenAPI is read here. */
export interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>
  readonly components: {
    readonly headers?: Readonly<Record<string, Header | undefined>>
    readonly responses?: Readonly<Record<string, Reply | undefined>>
    readonly examples?: Readonly<Record<string, { value?: { status?: number } } | undefined>>
  }
}

export interface Operation {
  readonly operationId: string
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
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
}

interface Header {
  readonly required?: boolean
  readonly schema: object
}

/** An operation, and where it stands in the document. */
export interface Described {
  readonly path: string
  readonly method: string
  readonly operation: Operation
}

export interface Contract {
  readonly document: OpenApi
  operation(operationId: string): Described | undefined
  operations(): Described[]
  replyOf(described: Described, status: number): { reply: Reply; at: string } | undefined
  /** @throws Mismatch a status, a header, a type, a member or a problem that the document does not have */
  hold(described: Described, answer: Answer): void
  /** @throws Mismatch what is no problem of the document's */
  holdProblem(answer: Answer): void
}

const nameIn = (reference: string) => reference.split('/').at(-1) ?? ''

const pointer = (...parts: string[]) =>
  parts.map(part => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

/** The document that a gateway serves, as something to hold its replies against. @throws Mismatch when it is none */
export const contractOf = (text: string): Contract => {
  const document = documentIn(text)
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')
  const assertFit = (ref: string, value: unknown, what: string) => {
    const validate = ajv.getSchema(`api#${ref}`) ?? ajv.compile({ $ref: `api#${ref}` })
    // Names and rules; ajv's words hold no value.
    if (!validate(value)) throw new Mismatch(`${what}: ${ajv.errorsText(validate.errors, { dataVar: 'body' })}`)
  }
  const described = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => (operation ? [{ path, method, operation }] : []))
  )

  const replyOf: Contract['replyOf'] = ({ path, method, operation }, status) => {
    const reply = operation.responses[status]
    if (reply === undefined) return undefined
    if (!('$ref' in reply)) return { reply, at: pointer('paths', path, method, 'responses', `${status}`) }
    const name = nameIn(reply.$ref)
    const shared = document.components.responses?.[name]
    return shared && { reply: shared, at: pointer('components', 'responses', name) }
  }

  /** A header and where it stands: under `components`, or at the reply that shows an example of it. */
  const headerOf = (header: Header | { readonly $ref: string }, at: string) => {
    if (!('$ref' in header)) return { header, at }
    const name = nameIn(header.$ref)
    return { header: document.components.headers?.[name], at: pointer('components', 'headers', name) }
  }

  const holdHeaders = ({ headers: documented = {} }: Reply, replyAt: string, { status, headers }: Answer) => {
    for (const [name, given] of Object.entries(documented)) {
      const sent = headers[name.toLowerCase()]
      const { header, at } = headerOf(given, `${replyAt}${pointer('headers', name)}`)
      if (sent !== undefined) assertFit(`${at}/schema`, sent, `header ${name}`)
      else if (header?.required || ALWAYS.has(name)) throw new Mismatch(`${status} comes without the header ${name}`)
    }
  }

  const holdBody = (reply: Reply, at: string, { status, headers, text }: Answer) => {
    if (text === '' && reply.content === undefined) return
    const type = headers['content-type']?.split(';')[0] ?? 'no type'
    if (text === '') throw new Mismatch(`${status} has no body`)
    if (reply.content?.[type] === undefined) throw new Mismatch(`${status} as ${type} is not in the document`)
    if (!type.endsWith('json')) return
    const schema = `${at}${pointer('content', type)}/schema`
    const texts = type.endsWith('x-ndjson') ? text.trimEnd().split('\n') : [text]
    for (const one of texts) assertFit(schema, jsonIn(one), `${status} does not fit the document`)
    if (type !== 'application/problem+json') return
    const name = problemName(text)
    if (!JSON.stringify(reply).includes(`"${name}"`)) throw new Mismatch(`${status} ${name} is not in the document`)
  }

  return {
    document,
    operations: () => described,
    operation: id => described.find(({ operation }) => operation.operationId === id),
    replyOf,
    hold(described, answer) {
      const found = replyOf(described, answer.status)
      if (!found) throw new Mismatch(`${answer.status} is not in the document${problemSuffix(answer)}`)
      holdHeaders(found.reply, found.at, answer)
      holdBody(found.reply, found.at, answer)
    },
    holdProblem(answer) {
      const type = answer.headers['content-type']?.split(';')[0]
      if (type !== 'application/problem+json') throw new Mismatch(`${answer.status} comes as ${type ?? 'no type'}`)
      assertFit('/components/schemas/Problem', jsonIn(answer.text), `${answer.status} is no problem of the document`)
    }
  }
}

/** Every reply of an operation has these, beside those that the document requires; others depend on how far a request came. */
const ALWAYS = new Set(['Server-Timing'])

const documentIn = (text: string): OpenApi => {
  const value = jsonIn(text)
  if (typeof value === 'object' && value !== null && 'openapi' in value && 'paths' in value && 'components' in value) {
    // What is read of it is looked up with care; a document without these is refused here.
    return value as OpenApi
  }
  throw new Mismatch('/openapi.json is no OpenAPI document')
}

/** @throws Mismatch */
export const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Mismatch('the body is no JSON')
  }
}

/** The stable name of a problem: the last segment of its type. */
export const problemName = (text: string): string => {
  const body = jsonIn(text)
  const type = typeof body === 'object' && body !== null && 'type' in body ? String(body.type) : ''
  return type.split('/').at(-1) ?? ''
}

const problemSuffix = ({ headers, text }: Answer) =>
  headers['content-type']?.startsWith('application/problem+json') ? ` (${problemName(text)})` : ''
