import { type HeaderName, headers } from '../../schemas/headers.ts'
import { PROBLEM } from './problems.ts'

/** The parts of a documented reply that decide which headers it has. */
interface Reply {
  headers?: Record<string, unknown>
  content?: Record<string, { examples?: Record<string, unknown> }>
}

/** Headers of every reply: documented once, in `x-every-reply`. */
const ALWAYS: HeaderName[] = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Server-Timing']

/** Of the problems of a status. Every 401, 429 and 503 has its header; `default` covers other statuses too. */
const BY_STATUS: Record<string, HeaderName[]> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  default: ['WWW-Authenticate', 'Set-Cookie', 'Retry-After']
}

/** Headers that are always present where they are documented. */
const REQUIRED = ['Allow', 'ETag', 'Location', 'X-Request-Id']

/** Headers of one problem of a status and not of the others. */
const WITH_PROBLEM: Record<string, HeaderName | undefined> = {
  'idempotency-in-progress': 'Retry-After',
  // HOSTKEY may ask for a pause with HTTP 503.
  'upstream-bad-response': 'Retry-After'
}

const reference = (name: string) => ({ $ref: `#/components/headers/${name}` })

/** The headers of a reply beside those of every reply. */
export const headersOf = (status: string, { headers: own = {}, content = {} }: Reply): Record<string, object> => {
  const problems = Object.keys(content[PROBLEM]?.examples ?? {})
  const byStatus = problems.length > 0 ? (BY_STATUS[status] ?? []) : []
  const withProblem = problems.flatMap(name => WITH_PROBLEM[name] ?? [])
  return Object.fromEntries([...byStatus, ...Object.keys(own), ...withProblem].map(name => [name, reference(name)]))
}

export const everyReply = { headers: Object.fromEntries(ALWAYS.map(name => [name, reference(name)])) }

const headerOf = (name: string) => {
  const { description, examples, ...schema } = headers[name as HeaderName]
  return { description, ...(REQUIRED.includes(name) && { required: true }), schema, example: examples[0] }
}

/** Every header as a component of the document. */
export const headerComponents = (): [name: string, header: object][] =>
  Object.keys(headers).map(name => [name, headerOf(name)])
