import { isIPv4 } from 'node:net'
import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { addressOf } from '../core/address.ts'
import { isProblem } from '../core/problem.ts'
import type { AuditMembers } from '../observability/audit-events.ts'
import { traceIdOf } from '../observability/trace-context.ts'
import { userAgentOf } from '../observability/user-agent.ts'
import { StoreUnavailable } from '../store/index.ts'
import { routeOf } from './operation.ts'

/** Where a request comes from, for the audit log. */
export const originOf = (request: FastifyRequest): AuditMembers => {
  const ip = addressOf(request)
  return {
    operation: routeOf(request).operationId,
    requestId: request.id,
    traceId: traceIdOf(request.headers),
    ip,
    network: networkOf(ip),
    userAgent: userAgentOf(request.headers['user-agent'])
  }
}

/** 24 bits of an IPv4 address, 64 of an IPv6 address. */
const networkOf = (ip: string): string => {
  const network = normalizeIP(ip, 64)
  return isIPv4(network) ? `${network.slice(0, network.lastIndexOf('.'))}.0/24` : `${network}/64`
}

/** The outcome of a request that failed with this error. */
export const outcomeOf = (error: unknown): string =>
  isProblem(error) ? error.problem : error instanceof StoreUnavailable ? 'store-unavailable' : 'internal'
