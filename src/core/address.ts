import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * Where a request comes from, as far as proxies that are trusted say so: always an IP address. What else stands in
 * `X-Forwarded-For` is the text of a caller, and goes into no limit and no log; then it is who has connected.
 */
export const addressOf = ({ ip, socket }: FastifyRequest): string =>
  isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip
