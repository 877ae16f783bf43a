import { type HeaderName, headers } from '../../schemas/headers.ts'
import { LINES_TYPE } from '../http/accept.ts'
import { PROBLEM } from './problems.ts'

/** What of a documented reply decides which headers it has. */
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

/** Headers that never fail to come where they are documented. */
const CERTAIN = ['Allow', 'ETag', 'Location', 'Retry-After', 'Set-Cookie', 'WWW-Authenticate', 'X-Request-Id']

/** Those that come with one of the problems of a status and not with the others. */
const WITH_PROBLEM: Record<string, HeaderName | undefined> = {
  'session-expired': 'Set-Cookie',
  'idempotency-in-progress': 'Retry-After'
}

/**
 * The headers of a reply: references, but for those of which it has an example of its own.
 * @param shown headers of which the reply has an example
 */
export const headersOf = (
  status: string,
  { headers: own = {}, content = {} }: Reply,
  shown: Readonly<Record<string, unknown>>
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

const headerOf = (name: string) => {
  const { description, examples, ...schema } = headers[name as HeaderName]
  return { description, required: CERTAIN.includes(name), schema, example: examples[0] }
}

/** Every header as it stands under `components`. */
export const componentsOfHeaders = (): [place: string, header: object][] =>
  Object.keys(headers).flatMap((name): [string, object][] => [
    [name, headerOf(name)],
    [possibly(name), { ...headerOf(name), required: false }]
  ])
