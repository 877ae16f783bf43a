// Gives a request its `accepts`.
import type {} from '@fastify/accepts'
import type { FastifyRequest } from 'fastify'

export const JSON_TYPE = 'application/json'

/** What every operation may answer, and a deletion alone: generated clients ask a deletion for nothing else. */
export const PROBLEM_TYPE = 'application/problem+json'

/** One JSON text on each line. */
export const LINES_TYPE = 'application/x-ndjson'

/**
 * Which of the types on offer the caller likes best, by the rules of HTTP; the first where it does not mind.
 * @returns undefined when it will have none of them
 */
export const acceptedOf = (request: FastifyRequest, offered: readonly string[]): string | undefined => {
  // Some clients name the charset, which is the same type to us.
  const named = offered.flatMap(type => [type, `${type}; charset=utf-8`])
  const accepted = request.accepts().type(named)
  return typeof accepted === 'string' ? accepted.split(';')[0] : undefined
}
