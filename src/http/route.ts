import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  ContextConfigDefault,
  FastifyBaseLogger,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
  RouteGenericInterface,
  RouteOptions
} from 'fastify'
import type { Static } from 'typebox'
import type { ProblemDetails } from '../../schemas/problems.ts'
import type { RequestContext } from '../core/context.ts'
import type { Links } from '../core/links.ts'
import type { FileDeletions } from '../domain/jobs/file-deletions.ts'
import type { Jobs } from '../domain/jobs/jobs.ts'
import type { Orders } from '../domain/orders/orders.ts'
import type { Plans } from '../domain/orders/plans.ts'
import type { Accounts } from '../domain/storage/accounts.ts'
import type { Buckets } from '../domain/storage/buckets.ts'
import type { DirectAccess } from '../domain/storage/direct-access.ts'
import type { Files } from '../domain/storage/files.ts'
import type { AccountOf, CallerOperation, Operation } from './operation.ts'

/** The services that handlers call, made once in gateway.ts. */
export interface Services {
  accounts: Accounts
  buckets: Buckets
  files: Files
  directAccess: DirectAccess
  jobs: Jobs
  fileDeletions: FileDeletions
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

/** A route whose URL names an account declares which; `plugins/authorise` checks it. */
type OperationAt<Url extends string> = Url extends `${string}:s3uid${string}`
  ? CallerOperation & { account: AccountOf }
  : Operation

/** What a route file sees of the application: a route without a declared operation does not compile. */
export interface Router {
  route<const Schema extends FastifySchema, const Url extends string>(
    options: RouteOptions<
      RawServerDefault,
      RawRequestDefaultExpression,
      RawReplyDefaultExpression,
      RouteGenericInterface,
      ContextConfigDefault,
      Schema,
      TypeBoxTypeProvider,
      FastifyBaseLogger
    > & { url: Url; config: OperationAt<Url> }
  ): unknown
}

/** A route file: the operations of one resource. */
export type Routes<Options = Deps> = (app: Router, options: Options) => Promise<void>

/** Counts a login against the limits of its network and of its account. @throws Problem rate-limited */
export type BeginLogin = (request: FastifyRequest, reply: FastifyReply, account: string) => Promise<LoginAttempt>

/** A login whose outcome is not known yet. */
export interface LoginAttempt {
  recordSuccess(): Promise<void>
  recordFailure(error: unknown): Promise<void>
}

/** The name under which `plugins/authenticate`, and a login, keep the context on the request. */
export const CONTEXT = 'context'

/** The context of the request for calls to HOSTKEY: the caller, and when to give up. */
export const contextOf = (request: FastifyRequest): RequestContext => request.getDecorator<RequestContext>(CONTEXT)

/** The same, where there may be none: refused callers have no context, nor has an open operation but a login. */
export const findContext = (request: FastifyRequest): RequestContext | undefined =>
  request.getDecorator<RequestContext | undefined>(CONTEXT)
