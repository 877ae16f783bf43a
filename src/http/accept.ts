// Gives a request its `accepts`.
import type {} from '@fastify/accepts'
import type { FastifyRequest } from 'fastify'

export const JSON_TYPE = 'application/json'

/** The type of every failure. */
export const PROBLEM_TYPE = 'application/problem+json'

/** One JSON value per line. */
export const LINES_TYPE = 'application/x-ndjson'

/** Server-sent events. */
export const EVENTS_TYPE = 'text/event-stream'

/**
 * The offered type that the caller prefers (RFC 9110, section 12.5.1); the first when it has no preference.
 * @returns undefined when the caller accepts none of them
 */
export const acceptedOf = (request: FastifyRequest, offered: readonly string[]): string | undefined => {
  const { accept = '*/*' } = request.headers
  if (accept === '*/*' || accept === offered[0]) return offered[0]
  // Some clients add the charset.
  const withCharset = offered.flatMap(type => [type, `${type}; charset=utf-8`])
  const accepted = request.accepts().type(withCharset)
  return typeof accepted === 'string' ? accepted.split(';')[0] : undefined
}
