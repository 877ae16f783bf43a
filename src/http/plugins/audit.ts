import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { keepWithin } from '../../core/keep-within.ts'
import type { Audit } from '../../observability/audit.ts'
import type { AuditEvent, AuditMembers } from '../../observability/audit-events.ts'
import { onFinished } from '../on-finished.ts'
import { type CallerOperation, operationOf, textsOf } from '../operation.ts'
import { originOf } from '../origin.ts'
import { findContext } from '../route.ts'
import { problemIn } from './telemetry.ts'

export interface AuditOptions {
  audit: Audit
}

/** The name under which `plugins/authorise` leaves the scope that a caller lacks. */
export const REFUSED_SCOPE = 'refusedScope'
/** The name under which `plugins/authenticate` leaves the service whose secret was wrong; empty when there is no such service. */
export const REFUSED_SERVICE = 'refusedService'
/** The name under which a plugin leaves the limit that a request has exceeded. */
export const EXCEEDED_LIMIT = 'exceededLimit'

/** A limit that was exceeded, and for whom, until when. */
export interface ExceededLimit {
  name: string
  key: string
  /** Milliseconds. */
  ttlMs: number
}

/** Limits that were exceeded lately; beyond this number the oldest are forgotten, and may be recorded again. */
const MAX_REMEMBERED = 10_000

/** Records the events that operations declare, and what callers were refused. Reads without an event cost nothing. */
export const auditing = fp(
  async (app: FastifyInstance, { audit }: AuditOptions) => {
    app.decorateRequest(REFUSED_SCOPE)
    app.decorateRequest(REFUSED_SERVICE)
    app.decorateRequest(EXCEEDED_LIMIT)
    const isFirst = createOncePerWindow()
    onFinished(app, (request, reply) => {
      const problem = problemIn(request)
      if (problem === 'rate-limited') {
        const limit = request.getDecorator<ExceededLimit | undefined>(EXCEEDED_LIMIT)
        if (limit && isFirst(limit)) {
          const event = { event: 'limit.reached', outcome: problem, limit: limit.name } as const
          audit.record({ ...event, ...originOf(request), ...callerIn(request) })
        }
      }
      const operation = operationOf(request)
      if (operation.access === 'open') return
      if (findContext(request) === undefined) {
        const service = request.getDecorator<string | undefined>(REFUSED_SERVICE)
        // Other requests without an authenticated caller are in the request log only.
        if (service === undefined) return
        const caller = service === '' ? undefined : `service:${service}`
        audit.record({ event: 'service.refused', outcome: problem ?? 'internal', ...originOf(request), caller })
        return
      }
      const event = eventOf(operation, request, problem)
      if (event === undefined) return
      audit.record({ event, outcome: outcomeOf(request, reply), ...detailsOf(operation, request) })
    })
  },
  { name: 'auditing' }
)

/** True once for each limit and caller in its window: a flood of refused requests is one event. */
const createOncePerWindow = () => {
  const until = new Map<string, number>()
  return ({ name, key, ttlMs }: ExceededLimit): boolean => {
    const id = `${name} ${key}`
    if ((until.get(id) ?? 0) > performance.now()) return false
    until.delete(id)
    until.set(id, performance.now() + ttlMs)
    keepWithin(until, MAX_REMEMBERED)
    return true
  }
}

const eventOf = (
  { audit, auditReplay, adminQuery }: CallerOperation,
  request: FastifyRequest,
  problem: string | undefined
): AuditEvent | undefined => {
  if (problem === 'insufficient-scope') return 'scope.refused'
  // HOSTKEY has refused the token of the session.
  if (problem === 'session-expired') return 'session.expired'
  if (adminQuery.length > 0 && filtersIn(adminQuery, request).length > 0) return 'admin.filter'
  return findContext(request)?.upstream.facts?.isReplayed ? (auditReplay ?? audit) : audit
}

const filtersIn = (adminQuery: readonly string[], { query }: FastifyRequest): string[] =>
  adminQuery.filter(name => Object.hasOwn(query ?? {}, name))

/** 202: accepted, and its outcome is open. */
const outcomeOf = (request: FastifyRequest, { statusCode }: FastifyReply): string =>
  statusCode === 202 ? 'unknown' : statusCode < 400 ? 'ok' : (problemIn(request) ?? String(statusCode))

const callerIn = (request: FastifyRequest): AuditMembers => {
  const context = findContext(request)
  if (context === undefined || context.caller.id === 'anonymous') return {}
  const { authScheme, id, share } = context.caller
  // The share of a bearer token names its customer from the first look-up on.
  const customerId = context.upstream.facts?.customerId ?? numberIn(id) ?? numberIn(share)
  return { authScheme, caller: id, customerId }
}

/** The customer in the name of a caller or a share. */
const numberIn = (id: string): number | undefined => {
  const digits = /^customer:(\d+)$/.exec(id)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Operation, caller, account and the part of it. */
const detailsOf = (operation: CallerOperation, request: FastifyRequest): AuditMembers => {
  const { account, target, scope, adminQuery } = operation
  const texts = textsOf(request)
  const names = target?.(texts).filter(name => name !== undefined) ?? []
  const filters = filtersIn(adminQuery, request)
  const { orderId, jobId, tokenId, selection, counts, s3uid } = findContext(request)?.upstream.facts ?? {}
  return {
    ...originOf(request),
    ...callerIn(request),
    s3uid: account?.(texts) ?? s3uid,
    orderId,
    jobId,
    tokenId,
    selection,
    counts,
    target: names.join('/') || undefined,
    scope: request.getDecorator<string | undefined>(REFUSED_SCOPE) ?? scope,
    ...(filters.length > 0 && { filters, subject: subjectIn(request) })
  }
}

/** The number of the customer that a filter names. */
const subjectIn = ({ query }: FastifyRequest): string | undefined => {
  const { customerId } = query as { customerId?: unknown }
  return /^\d{1,20}$/.test(String(customerId)) ? String(customerId) : undefined
}
