import { type HeaderName, headers } from '../../schemas/headers.ts'
import { PROBLEM } from './problems.ts'

/** The parts of a documented reply that decide which headers it has. */
interface Reply {
  headers?: Record<string, unknown>
  content?: Record<string, { examples?: Record<string, unknown> }>
}

/** Headers of every reply, and those of every problem of a status. */
export const ALWAYS = ['X-Request-Id', 'RateLimit', 'RateLimit-Policy', 'Server-Timing', 'Access-Control-Allow-Origin']
const BY_STATUS: Record<string, string[]> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  429: ['Retry-After'],
  503: ['Retry-After']
}

/** Headers that are always present where they are documented. */
const REQUIRED = ['Allow', 'ETag', 'Location', 'Retry-After', 'Set-Cookie', 'WWW-Authenticate', 'X-Request-Id']

/** Headers of one problem of a status and not of the others. */
const WITH_PROBLEM: Record<string, HeaderName | undefined> = {
  'session-expired': 'Set-Cookie',
  'idempotency-in-progress': 'Retry-After',
  // HOSTKEY may ask for a pause with HTTP 503.
  'upstream-bad-response': 'Retry-After'
}

/**
 * The headers of a reply: references, except for headers with an example of their own.
 * @param ownExamples examples that belong to this reply
 */
export const headersOf = (
  status: string,
  { headers: own = {}, content = {} }: Reply,
  ownExamples: Readonly<Record<string, unknown>>
) => {
  const problems = Object.keys(content[PROBLEM]?.examples ?? {})
  const byStatus = problems.length > 0 ? (BY_STATUS[status] ?? []) : []
  const names = [...ALWAYS, ...byStatus, ...Object.keys(own)]
  const optional: string[] = [
    ...problems.flatMap(name => WITH_PROBLEM[name] ?? []),
    // Until the job has ended.
    ...('Retry-After' in own ? ['Retry-After'] : [])
  ]
  return Object.fromEntries(
    [...names, ...optional].map(name => {
      const component = optional.includes(name) ? optionalName(name) : name
      const example = ownExamples[name]
      return [
        name,
        example === undefined ? { $ref: `#/components/headers/${component}` } : { ...headerOf(name), example }
      ]
    })
  )
}

/** The component of a header for replies in which it may be absent. */
const optionalName = (name: string) => `Optional-${name}`

const headerOf = (name: string) => {
  const { description, examples, ...schema } = headers[name as HeaderName]
  return { description, required: REQUIRED.includes(name), schema, example: examples[0] }
}

/** Every header as a component of the document. */
export const headerComponents = (): [name: string, header: object][] =>
  Object.keys(headers).flatMap((name): [string, object][] => [
    [name, headerOf(name)],
    [optionalName(name), { ...headerOf(name), required: false }]
  ])
