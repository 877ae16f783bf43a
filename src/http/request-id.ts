import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** What is shorter stands in a credential by chance. */
const SHORTEST_SECRET = 8

/** The caller's own name for the request, where it is one that may be shown to all: no part of its credential. */
export const requestIdOf = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id']
  if (typeof given !== 'string' || !REQUEST_ID.test(given)) return randomUUID()
  const credentials = `${headers.authorization} ${headers.cookie}`
  return given.length >= SHORTEST_SECRET && credentials.includes(given) ? randomUUID() : given
}
