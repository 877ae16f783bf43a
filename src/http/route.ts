import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { ProblemDetails } from '../../schemas/problems.ts'
import type { Scope } from '../../schemas/scopes.ts'
import type { RequestContext } from '../core/context.ts'
import type { Links } from '../core/links.ts'
import type { Orders } from '../domain/orders/orders.ts'
import type { Plans } from '../domain/orders/plans.ts'
import type { Accounts } from '../domain/storage/accounts.ts'
import type { Buckets } from '../domain/storage/buckets.ts'
import type { Files } from '../domain/storage/files.ts'
import { JSON_TYPE } from './accept.ts'

/** The services that handlers call, made once in gateway.ts. */
export interface Services {
  accounts: Accounts
  buckets: Buckets
  files: Files
  orders: Orders
  plans: Plans
}

/** What every route file is handed. */
export interface Deps extends Services {
  links: Links
  /** The problem to write when a reply fails after its status was sent; also leaves it for the log. */
  explain: (error: unknown, request: FastifyRequest) => Static<typeof ProblemDetails>
  /** Is the replica shutting down? Long replies end then. */
  isDraining: () => boolean
}

/** A route file: the operations of one resource. */
export type Routes = FastifyPluginAsyncTypebox<Deps>

/** Operations of one class draw from one limit. */
export type RateClass = 'read' | 'write' | 'delete' | 'key' | 'order' | 'usage'

/** Draws from the limits of logins: by address, and by what is shown. @throws Problem rate-limited */
export type ConsumeLogin = (request: FastifyRequest, reply: FastifyReply, credentialHash: string) => Promise<void>

/** What the audit log calls an operation that it records. */
export type AuditEvent =
  | 'key.read'
  | 'account.create'
  | 'account.delete'
  | 'bucket.create'
  | 'bucket.delete'
  | 'file.delete'
  | 'order.create'
  | 'sessions.end'

/** What an operation asks of its caller. */
export interface Needs {
  /** Undefined where every caller will do. */
  scope: Scope | undefined
  rate: RateClass
  /** How much it draws from the limits: about as many calls as it makes of HOSTKEY. */
  cost: number
  /** Query parameters that need the scope `admin`. */
  adminQuery: readonly string[]
  audit: AuditEvent | undefined
  /** The media types that it answers in; the first where the caller does not mind. */
  offers: readonly string[]
}

/** The route's config: the scope that the operation needs, and the limit that it draws from. */
export const needs = (
  scope: Scope | undefined,
  rate: RateClass,
  more: Partial<Omit<Needs, 'scope' | 'rate'>> = {}
): FastifyContextConfig & Needs => ({
  scope,
  rate,
  cost: 1,
  adminQuery: [],
  audit: undefined,
  offers: [JSON_TYPE],
  ...more
})

/** What the route asks of its caller; undefined for the open routes. */
export const needsOf = (config: unknown): Needs | undefined =>
  typeof config === 'object' && config !== null && 'scope' in config && 'rate' in config ? (config as Needs) : undefined

/** The name under which `plugins/authenticate`, and a login, keep the errand on the request. */
export const CONTEXT = 'errand'

/** The request's errand upstream: who asks, and when to give up. */
export const contextOf = (request: FastifyRequest): RequestContext => request.getDecorator<RequestContext>(CONTEXT)

/** The same, where there may be none: refused callers have no errand, nor has an open route but a login. */
export const findContext = (request: FastifyRequest): RequestContext | undefined =>
  request.getDecorator<RequestContext | undefined>(CONTEXT)
