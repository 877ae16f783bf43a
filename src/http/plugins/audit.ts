import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../../core/address.ts'
import type { Audit } from '../../observability/audit.ts'
import { onFinished } from '../on-finished.ts'
import { type CallerOperation, operationOf, textsOf } from '../operation.ts'
import { findContext } from '../route.ts'
import { operationIdOf, problemIn } from './telemetry.ts'

export interface AuditOptions {
  audit: Audit
}

/** The name under which `plugins/authorise` leaves the scope that a caller lacks. */
export const REFUSED_SCOPE = 'refusedScope'

/** Records the events that operations declare, and every caller that lacks a scope. */
export const auditing = fp(
  async (app: FastifyInstance, { audit }: AuditOptions) => {
    app.decorateRequest(REFUSED_SCOPE)
    onFinished(app, (request, reply) => {
      const operation = operationOf(request)
      // Requests without an authenticated caller are in the request log only.
      if (operation.access === 'open' || findContext(request) === undefined) return
      const event = problemIn(request) === 'insufficient-scope' ? 'scope.refused' : operation.audit
      if (event !== undefined) audit.record({ event, ...detailsOf(operation, request, reply) })
    })
  },
  { name: 'auditing' }
)

/** Operation, outcome, caller, account and the part of it. */
const detailsOf = ({ account, target, scope }: CallerOperation, request: FastifyRequest, reply: FastifyReply) => {
  const caller = findContext(request)?.caller
  const texts = textsOf(request)
  const names = target?.(texts).filter(name => name !== undefined) ?? []
  return {
    operation: operationIdOf(request),
    outcome: reply.statusCode < 400 ? 'ok' : (problemIn(request) ?? String(reply.statusCode)),
    requestId: request.id,
    authScheme: caller?.authScheme,
    caller: caller?.id,
    ip: addressOf(request),
    s3uid: account?.(texts),
    target: names.join('/') || undefined,
    scope: request.getDecorator<string | undefined>(REFUSED_SCOPE) ?? scope
  }
}
