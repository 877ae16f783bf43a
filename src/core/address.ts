import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * The IP address of the caller, from `X-Forwarded-For` where a trusted proxy sends it. A value that is no IP address is
 * text of the caller and reaches no limit and no log: then the address of the connection counts.
 */
export const addressOf = ({ ip, socket: { remoteAddress = '' } }: FastifyRequest): string =>
  ip === remoteAddress || isIP(ip) === 0 ? remoteAddress : ip
