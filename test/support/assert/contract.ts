import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { request } from 'undici'

interface Document {
  paths: Record<string, Record<string, Operation | undefined> | undefined>
  components: {
    headers: Record<string, Header>
    responses: Record<string, Response | undefined>
  }
  'x-every-reply': Response
  'x-unrouted': Record<string, Response | undefined>
}

interface Operation {
  responses: Record<string, Response | { $ref: string } | undefined>
}

interface Response {
  content?: Record<string, { schema: object }>
  'x-problems'?: Record<string, string[]>
  headers?: Record<string, Header | { $ref: string }>
}

interface Header {
  required: boolean
  schema: object
}

interface Answer {
  statusCode: number
  headers: Record<string, string | undefined>
  text: string
}

const nameIn = (reference: string) => reference.split('/').at(-1) ?? ''

const pointer = (...parts: string[]) =>
  parts.map(part => `/${encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

/** The statuses that always have a header; of failures, those that may have it. `default` is for many statuses. */
const ALWAYS: Record<string, number[] | undefined> = {
  'WWW-Authenticate': [401],
  'Set-Cookie': [201],
  'Retry-After': [429, 503]
}
const ALLOWED: Record<string, number[] | undefined> = {
  'WWW-Authenticate': [401],
  'Set-Cookie': [401],
  'Retry-After': [409, 429, 502, 503]
}

/** Compares replies with the document that the gateway serves. */
export const createContract = async (url: string) =>
  contractOf(await (await request(`${url}/openapi.json`)).body.json())

/** Compares replies with a document. @param given the parsed document */
export const contractOf = (given: unknown) => {
  // The gateway generated it, and the linter checks it against OpenAPI.
  const document = given as Document
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'api')

  const templates = Object.keys(document.paths)
    // Fixed segments before parameters; the wildcard last.
    .sort((a, b) => Number(a.includes('/files/{path}')) - Number(b.includes('/files/{path}')) || a.length - b.length)
    .map(path => ({
      path,
      // The router takes an empty segment as a parameter too.
      pattern: new RegExp(`^${path.replace(/\/files\/\{path\}$/, '/files/.*').replace(/\{[^}]+\}/g, '[^/]*')}$`)
    }))

  /** The statuses of the problems that any operation can answer. */
  const general = new Set(Object.keys(document.components.responses['default']?.['x-problems'] ?? {}).map(Number))

  /** The documented reply and its place: under `components` when many operations share it. */
  const documentedReply = (path: string, method: string, operation: Operation, statusCode: number) => {
    const status = !(statusCode in operation.responses) && general.has(statusCode) ? 'default' : `${statusCode}`
    const reply = operation.responses[status]
    if (!reply || !('$ref' in reply)) return { reply, at: pointer('paths', path, method, 'responses', status) }
    const name = nameIn(reply.$ref)
    return { reply: document.components.responses[name], at: pointer('components', 'responses', name) }
  }

  /** A documented header and its place: under `components`, or at the reply with an example of it. */
  const documentedHeader = (header: Header | { $ref: string }, at: string) => {
    if (!('$ref' in header)) return { header, at }
    const name = nameIn(header.$ref)
    return { header: document.components.headers[name], at: pointer('components', 'headers', name) }
  }

  const missingHeaders = ({ headers: documented = {} }: Response, { statusCode, headers }: Answer) =>
    Object.entries({ ...documented, ...document['x-every-reply'].headers })
      .filter(([name, given]) => documentedHeader(given, '').header?.required || ALWAYS[name]?.includes(statusCode))
      .map(([name]) => name)
      .filter(name => headers[name.toLowerCase()] === undefined)

  /** Headers with invalid values. */
  const invalidHeaders = ({ headers: documented = {} }: Response, headers: Answer['headers'], replyAt: string) =>
    Object.entries({ ...documented, ...document['x-every-reply'].headers }).flatMap(([name, given]) => {
      const value = headers[name.toLowerCase()]
      const { at } = documentedHeader(given, `${replyAt}${pointer('headers', name)}`)
      const isFit = value === undefined || validatorOf(`api#${at}/schema`)(value)
      return isFit ? [] : [`${name}: ${value}`]
    })

  const replies = [
    ...Object.values(document.components.responses),
    ...Object.values(document.paths).flatMap(methods =>
      Object.values(methods ?? {}).flatMap(operation => Object.values(operation?.responses ?? {}))
    )
  ]
  const knownHeaders = [
    ...new Set(replies.flatMap(reply => Object.keys(reply && 'headers' in reply ? (reply.headers ?? {}) : {})))
  ]

  /** Headers that the document has, but not for this reply. */
  const strayHeaders = ({ headers: documented = {} }: Response, { statusCode, headers }: Answer) =>
    knownHeaders
      .filter(name => headers[name.toLowerCase()] !== undefined)
      .filter(name => !(name in documented) || (statusCode >= 400 && ALLOWED[name]?.includes(statusCode) === false))

  const validators = new Map<string, ValidateFunction>()
  const validatorOf = (ref: string): ValidateFunction => {
    const known = validators.get(ref)
    if (known) return known
    const made = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref })
    validators.set(ref, made)
    return made
  }

  /** The documented reply; for a request that is no operation, one of `x-unrouted`. */
  const replyTo = (method: string, target: string, statusCode: number) => {
    const path = templates.find(({ pattern }) => pattern.test(target.split('?')[0] ?? ''))?.path
    const found = path === undefined ? undefined : document.paths[path]?.[method.toLowerCase()]
    if (path !== undefined && found) return documentedReply(path, method.toLowerCase(), found, statusCode)
    const reply = document['x-unrouted'][statusCode]
    return reply && method !== 'HEAD' ? { reply, at: pointer('x-unrouted', `${statusCode}`) } : undefined
  }

  /** What the document does not allow in this reply; empty for an undocumented request. */
  const violations = (operation: string, answer: Answer): string[] => {
    const { statusCode, headers, text } = answer
    const [method = '', target = ''] = operation.split(' ')
    const documented = replyTo(method, target, statusCode)
    if (!documented) return []
    const { reply: response, at } = documented
    if (!response) return [`${operation}: ${statusCode} is not documented: ${text}`]
    const missing = missingHeaders(response, answer)
    if (missing.length > 0) return [`${operation}: ${statusCode} comes without ${missing.join(', ')}`]
    const invalid = invalidHeaders(response, headers, at)
    if (invalid.length > 0) return [`${operation}: ${statusCode} comes with ${invalid.join(', ')}`]
    const stray = strayHeaders(response, answer)
    if (stray.length > 0) return [`${operation}: ${statusCode} comes with ${stray.join(', ')}, which is not documented`]
    // A reply without a body may have a content type, as 304 does.
    if (text === '' && !response.content) return []
    const type = headers['content-type']?.split(';')[0]
    if (type === undefined)
      return response.content && text !== '' ? [`${operation}: ${statusCode} has no content type`] : []
    if (!response.content?.[type]) return [`${operation}: ${statusCode} as ${type} is not documented`]
    if (!type.endsWith('json') || headers['content-encoding'] !== undefined) return []
    const ref = `api#${at}${pointer('content', type)}/schema`
    const validate = validatorOf(ref)
    // One JSON text, or one per line.
    const texts = type.endsWith('x-ndjson') ? text.trimEnd().split('\n') : [text]
    return texts.flatMap(text => {
      const body: unknown = JSON.parse(text)
      if (!validate(body)) return [`${operation}: ${statusCode}: ${ajv.errorsText(validate.errors)}`]
      return undocumentedName(response, body, operation)
    })
  }
  return { document, violations }
}

/** A problem must be among the examples of the operation. */
const undocumentedName = (response: object, body: unknown, operation: string): string[] => {
  if (typeof body !== 'object' || body === null || !('type' in body) || !('instance' in body)) return []
  const name = String(body.type).split('/').at(-1) ?? ''
  return JSON.stringify(response).includes(`"${name}"`) ? [] : [`${operation}: ${name} is not documented`]
}
