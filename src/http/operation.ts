// Gives a schema its `operationId`.
import type {} from '@fastify/swagger'
import type { FastifyRequest } from 'fastify'
import type { Scope } from '../../schemas/scopes.ts'
import type { AuditEvent } from '../observability/audit-events.ts'
import { JSON_TYPE } from './accept.ts'
import type { Reach } from './reach.ts'
import type { NamedTexts, RequestTexts } from './request-texts.ts'

/** Operations of one class count against one limit. */
export type RateClass =
  | 'read'
  | 'write'
  | 'delete'
  | 'bulk'
  | 'key'
  | 'presign'
  | 'order'
  | 'check'
  | 'usage'
  | 'tokens'

/** Under load the gateway refuses operations in this order, and `essential` ones never. */
export type Priority = 'reference' | 'usage' | 'read' | 'write' | 'login' | 'essential'

/** A setting of the operator that removes operations: see src/config/settings/switches.ts. */
export type Switch = 'orders' | 'accountCreation' | 'accountDeletion' | 'keys' | 'writes'

/** The account that a request is for. */
export type AccountOf = (request: RequestTexts) => string | undefined

/** The part of the account that a request is for: names from the outermost to the innermost. */
export type TargetOf = (request: RequestTexts) => (string | undefined)[]

/** Dates are RFC 3339. */
export interface Deprecation {
  since: string
  sunset?: string
  /** Address of a page that says what to use instead. */
  link?: string
}

/** What the plugins know of every operation: it stands in the `config` of its route. */
interface Common {
  readonly priority: Priority
  /** The media types of its replies, the default first; empty where `Accept` is ignored. */
  readonly mediaTypes: readonly string[]
  /** Is a request by HTTP/1.0 answered? Health checks of old load balancers send it. */
  readonly allowsHttp10: boolean
  /** Is it answered while the replica drains? */
  readonly isAnsweredWhileDraining: boolean
  /** Is a URL refused that ends in `?`? The `?` may be the unencoded end of a name. */
  readonly refusesEmptyQuery: boolean
  /** Are query parameters that it does not declare ignored, as web pages and probes do? Else they are refused. */
  readonly ignoresUnknownQuery: boolean
  /** Since when it is deprecated, and when it will end; sent as `Deprecation` and `Sunset`. */
  readonly deprecation: Deprecation | undefined
  /** The settings that remove it; by default `writes` where its class is one of writes. */
  readonly switches: readonly Switch[]
  /** Does it count against the limit of the client's address? A probe must not be refused because of its neighbours. */
  readonly countsByAddress: boolean
}

/** An operation that anyone may use, without a credential. */
export interface OpenOperation extends Common {
  readonly access: 'open'
}

/** An operation that needs a caller. */
export interface CallerOperation extends Common {
  readonly access: 'caller'
  /** The scope that it needs; undefined where every caller may use it. */
  readonly scope: Scope | undefined
  /** Where the body decides the scope: those that it may need, and the one that it does. Checked after the validation. */
  readonly scopeByBody: ScopeByBody | undefined
  /** Query parameters that need the scope `admin`. */
  readonly adminQuery: readonly string[]
  readonly rate: RateClass
  /** How many requests it counts as: about as many calls as it makes to HOSTKEY. */
  readonly cost: number
  readonly account: AccountOf | undefined
  /** The event that the audit log records; a missing scope is recorded for every operation. */
  readonly audit: AuditEvent | undefined
  readonly target: TargetOf | undefined
  /** What it reaches in the storage; undefined: more than a caller may that is limited to some buckets. */
  readonly reach: Reach | undefined
  /** Does the request repeat one that the gateway knows? Then it counts only against the limit of the caller. */
  readonly isRepetition: ((request: FastifyRequest) => Promise<boolean>) | undefined
  /** The event instead of `audit` when the recorded answer is given again. */
  readonly auditReplay: AuditEvent | undefined
}

export interface ScopeByBody {
  readonly scopes: readonly Scope[]
  scopeOf(body: NamedTexts): Scope
}

export type Operation = OpenOperation | CallerOperation

const PRIORITY_OF: Record<RateClass, Priority> = {
  usage: 'usage',
  read: 'read',
  key: 'read',
  presign: 'read',
  write: 'write',
  delete: 'write',
  bulk: 'write',
  order: 'write',
  check: 'write',
  tokens: 'login'
}

const WRITES: ReadonlySet<RateClass> = new Set(['write', 'delete', 'bulk', 'order'])

type Declared = Pick<CallerOperation, 'scope' | 'rate' | 'audit'> & Partial<CallerOperation>

/** Declares an operation that needs a caller: it answers JSON, counts as one request and has the priority of its class. */
export const operation = <A extends AccountOf | undefined>(
  declared: Declared & { account: A }
): CallerOperation & { account: A } => ({
  access: 'caller',
  scopeByBody: undefined,
  adminQuery: [],
  cost: 1,
  target: undefined,
  reach: undefined,
  isRepetition: undefined,
  auditReplay: undefined,
  priority: PRIORITY_OF[declared.rate],
  mediaTypes: [JSON_TYPE],
  allowsHttp10: false,
  isAnsweredWhileDraining: false,
  refusesEmptyQuery: false,
  ignoresUnknownQuery: false,
  deprecation: undefined,
  switches: WRITES.has(declared.rate) ? ['writes'] : [],
  countsByAddress: true,
  ...declared
})

/** Declares an operation that anyone may use. */
export const openOperation = (
  declared: Pick<OpenOperation, 'priority' | 'allowsHttp10' | 'isAnsweredWhileDraining'> & Partial<OpenOperation>
): OpenOperation => ({
  access: 'open',
  mediaTypes: [],
  refusesEmptyQuery: false,
  ignoresUnknownQuery: false,
  deprecation: undefined,
  switches: [],
  countsByAddress: true,
  ...declared
})

/** The account that the path names. */
export const accountInPath: AccountOf = ({ params: { s3uid } }) => s3uid

/** The `Idempotency-Key` of a request, before it is validated. */
export const idempotencyKeyIn = ({ headers }: FastifyRequest): string => String(headers['idempotency-key'] ?? '')

/** A request for which there is no route: 404 and 405 cost little and are always answered, but not while draining. */
const UNROUTED = openOperation({ priority: 'essential', allowsHttp10: false, isAnsweredWhileDraining: false })

const isOperation = (config: unknown): config is Operation =>
  typeof config === 'object' && config !== null && 'access' in config && 'priority' in config

/** Does a route refuse query parameters that its schema does not declare? Pages do not, nor the files that they load. */
export const refusesUnknownQuery = (config: unknown): boolean => isOperation(config) && !config.ignoresUnknownQuery

/** What a route declares in its config. */
export const operationIn = (config: unknown): Operation => (isOperation(config) ? config : UNROUTED)

/** What the plugins read of the route of a request. */
interface RouteFacts {
  readonly operation: Operation
  readonly operationId: string | undefined
  /** The pattern of its URL; undefined where there is no route. */
  readonly url: string | undefined
  readonly takesBody: boolean
  /** Does it answer with versions? */
  readonly isConditional: boolean
}

const FACTS = Symbol('route')

/** The route of a request. Kept with the request: Fastify makes `routeOptions` anew each time it is read. */
export const routeOf = (request: FastifyRequest & { [FACTS]?: RouteFacts }): RouteFacts => {
  request[FACTS] ??= factsOf(request.routeOptions)
  return request[FACTS]
}

const factsOf = ({ config, schema, url }: FastifyRequest['routeOptions']): RouteFacts => ({
  operation: operationIn(config),
  operationId: schema?.operationId,
  url,
  takesBody: schema?.body !== undefined,
  isConditional: Object.hasOwn(Object(schema?.response), 304)
})

/** What the route of a request declares. */
export const operationOf = (request: FastifyRequest): Operation => routeOf(request).operation

/** The same, behind authentication. @throws TypeError where a route has no declaration: it is not answered unchecked */
export const callerOperationOf = (request: FastifyRequest): CallerOperation => {
  const found = operationOf(request)
  if (found.access === 'caller') return found
  throw new TypeError(`${request.method} ${routeOf(request).url} declares no operation that needs a caller`)
}

/** The texts of a request: an object that cannot be made into text would throw where nothing catches it. */
export const textsOf = (request: FastifyRequest): RequestTexts => new Texts(request)

/** Each is read when it is asked for: most operations name the account in the path, and need no more. */
class Texts implements RequestTexts {
  readonly #request: FastifyRequest
  constructor(request: FastifyRequest) {
    this.#request = request
  }
  get params() {
    // The router makes texts of nothing else.
    return this.#request.params as NamedTexts
  }
  get query() {
    return textsIn(this.#request.query)
  }
  get body() {
    return textsIn(this.#request.body)
  }
}

const textsIn = (given: unknown): NamedTexts => {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(given ?? {})) if (typeof value === 'string') texts[name] = value
  return texts
}
