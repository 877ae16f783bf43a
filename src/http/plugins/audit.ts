import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { addressOf } from '../../core/address.ts'
import type { Audit } from '../../observability/audit.ts'
import { onFinished } from '../on-finished.ts'
import { findContext, needsOf } from '../route.ts'
import { operationOf, problemIn } from './telemetry.ts'

export interface AuditOptions {
  audit: Audit
}

/** The name under which `plugins/authorise` leaves the scope that a caller lacks. */
export const REFUSED_SCOPE = 'refusedScope'

/** Records what was read, made and deleted, and who was refused for lack of a scope. */
export const audited = fp(
  async (app: FastifyInstance, { audit }: AuditOptions) => {
    app.decorateRequest(REFUSED_SCOPE)
    onFinished(app, (request, reply) => {
      const event = eventOf(request)
      if (event !== undefined) audit.record({ event, ...subjectOf(request, reply) })
    })
  },
  { name: 'audited' }
)

/** Strangers are the request log's matter. */
const eventOf = (request: FastifyRequest): string | undefined => {
  if (findContext(request) === undefined) return undefined
  if (problemIn(request) === 'insufficient-scope') return 'scope.refused'
  return needsOf(request.routeOptions.config)?.audit
}

/** Who, which account, what of it, and how it ended. */
const subjectOf = (request: FastifyRequest, reply: FastifyReply) => {
  const caller = findContext(request)?.caller
  // A refused request may hold anything: an object that cannot be made into text would throw where nobody catches.
  const { s3uid, bucket, kind, '*': path } = textsIn(request.params)
  const { path: queried } = textsIn(request.query)
  const { bucketName, name } = textsIn(request.body)
  const needed = needsOf(request.routeOptions.config)
  return {
    operation: operationOf(request),
    outcome: reply.statusCode < 400 ? 'ok' : (problemIn(request) ?? String(reply.statusCode)),
    requestId: request.id,
    authScheme: caller?.authScheme,
    caller: caller?.id,
    ip: addressOf(request),
    s3uid,
    target:
      [bucket ?? bucketName ?? name ?? kind, path ?? queried].filter(part => part !== undefined).join('/') || undefined,
    scope: request.getDecorator<string | undefined>(REFUSED_SCOPE) ?? needed?.scope
  }
}

/** The members that are text. */
const textsIn = (given: unknown): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => typeof value === 'string'))
