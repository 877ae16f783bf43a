import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** A shorter id may be a part of a credential by chance. */
const MIN_SECRET_LENGTH = 8

/** The caller's `X-Request-Id` if it is valid and no part of its credential; else a random id. */
export const requestIdOf = ({ headers }: IncomingMessage): string => {
  const given = headers['x-request-id']
  if (typeof given !== 'string' || !REQUEST_ID.test(given)) return randomUUID()
  const credentials = `${headers.authorization} ${headers.cookie}`
  return given.length >= MIN_SECRET_LENGTH && credentials.includes(given) ? randomUUID() : given
}
