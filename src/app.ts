import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyRequest, fastify, LogController } from 'fastify'
import { authenticated, loginRoutes, serviceRoutes, sessionRoutes, tokenRoutes } from '../routes/index.ts'
import { models } from '../schemas/index.ts'
import type { Authenticators } from './auth/authenticators/index.ts'
import type { AccountHash } from './auth/credential.ts'
import { originsOf } from './auth/csrf.ts'
import type { Sessions } from './auth/sessions.ts'
import type { Tokens } from './auth/tokens.ts'
import { trustOf } from './core/address.ts'
import type { Links } from './core/links.ts'
import { version } from './core/version.ts'
import { createBrokenRequests } from './http/broken-requests.ts'
import { announceDeprecation } from './http/deprecation.ts'
import type { Drain } from './http/drain.ts'
import { answerHead } from './http/head.ts'
import { watchIdle } from './http/idle-connections.ts'
import { lazySerializers, lazyValidators } from './http/lazy-schemas.ts'
import { boundConnections, LISTENER } from './http/listener.ts'
import { finishing, onFinished } from './http/on-finished.ts'
import { refusesUnknownQuery, type Switch } from './http/operation.ts'
import { isReadable, UNREADABLE_PATH } from './http/path.ts'
import { auditing } from './http/plugins/audit.ts'
import { authenticate, limitFactorOf } from './http/plugins/authenticate.ts'
import { authorise } from './http/plugins/authorise.ts'
import { batching } from './http/plugins/batching.ts'
import { compression } from './http/plugins/compression.ts'
import { conditional } from './http/plugins/conditional.ts'
import { customerLimits } from './http/plugins/customer-limits.ts'
import { draining } from './http/plugins/drain.ts'
import { errors, explain, problemOf, sendProblem, unrouted } from './http/plugins/errors.ts'
import { guard } from './http/plugins/guard.ts'
import { shedding } from './http/plugins/load-shedding.ts'
import { BEGIN_LOGIN, limitNames, loginLimits } from './http/plugins/login-limits.ts'
import { createLimiter, limits, type Maxima } from './http/plugins/rate-limits.ts'
import { createCorsHeaders, preflights, SECURITY_HEADERS, security } from './http/plugins/security-headers.ts'
import { streamLimits } from './http/plugins/stream-limits.ts'
import { recordUnrouted, telemetry } from './http/plugins/telemetry.ts'
import type { Pressure } from './http/pressure.ts'
import { parseQuery } from './http/query.ts'
import { createCounters } from './http/rate-limit-store.ts'
import { requestIdOf } from './http/request-id.ts'
import { requestLog } from './http/request-log.ts'
import type { BeginLogin, Deps, Services } from './http/route.ts'
import { createSwitchedOff } from './http/switched-off.ts'
import { createValidatorCompiler } from './http/validation.ts'
import type { Audit } from './observability/audit.ts'
import { createLimitDecisions } from './observability/limit-decisions.ts'
import type { Metrics } from './observability/metrics.ts'
import type { Tracer } from './observability/tracing.ts'
import { docs } from './openapi/index.ts'
import type { Store } from './store/index.ts'

export interface AppOptions {
  /** What handlers call. */
  services: Services
  links: Links
  store: Store
  observability: { log: FastifyBaseLogger; metrics: Metrics; audit: Audit }
  address: {
    publicUrl: URL
    /** Path under which callers see the API: empty, or `/something`. */
    mount: string
    /** Path under which this process serves it: differs from `mount` when a proxy removes a part of the path. */
    basePath: string
    /** The embedded sandbox; undefined in front of the real HOSTKEY. */
    sandboxUrl: URL | undefined
  }
  edge: {
    trustProxy: string[]
    /** Does the gateway listen on a unix socket, to which only a proxy connects? */
    trustsSocket: boolean
    keepAliveTimeoutMs: number
    /** Connections of one client address; undefined where only this machine can connect. */
    maxConnectionsPerAddress: number | undefined
    /** Origins whose pages may call, beside that of `publicUrl`. */
    allowedOrigins: string[]
  }
  rateLimit: { maxima: Maxima; windowMs: number; replicasHint: number }
  authentication: { authenticators: Authenticators; sessions: Sessions; tokens: Tokens; accountHash: AccountHash }
  /** Sends spans; undefined where nothing is traced. */
  tracer?: Tracer | undefined
  /** The operations that this gateway does not offer. */
  switches: readonly Switch[]
  lifecycle: { drain: Drain; pressure: Pick<Pressure, 'level'>; isReady: () => Promise<boolean> }
}

/** The router leaves a path as it is: a file name may contain any character. */
const ROUTER = {
  // Longer than the schemas allow, so that the validation reports what is wrong.
  maxParamLength: 4096,
  querystringParser: parseQuery,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  useSemicolonDelimiter: false,
  caseSensitive: true
}

/** Builds the gateway: every plugin and route, registered in the order in which a request meets them. */
export const buildApp = async (options: AppOptions) => {
  const { services, links, store, observability, address, edge, rateLimit, authentication, lifecycle } = options
  const { log, metrics, audit } = observability
  const { mount, basePath, sandboxUrl } = address
  const { authenticators, sessions, tokens, accountHash } = authentication
  const { drain, pressure, isReady } = lifecycle
  const publicUrl = address.publicUrl.href.replace(/\/$/, '')
  const origins = originsOf(address.publicUrl, edge.allowedOrigins)
  const { maxima, windowMs, replicasHint } = rateLimit
  const decisions = createLimitDecisions(limitNames())
  const limitOptions = { maxima, windowMs, decisions, counters: createCounters(store, replicasHint) }
  const limiter = createLimiter(limitOptions)
  metrics.watchLimits(decisions)
  const isTrusted = trustOf(edge.trustProxy, edge.trustsSocket)
  const corsHeadersOf = createCorsHeaders(edge.allowedOrigins)
  const brokenRequests = createBrokenRequests({ publicUrl, metrics, log, corsHeadersOf })
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    childLoggerFactory: requestLog,
    schemaController: { compilersFactory: { buildSerializer: lazySerializers } },
    ...LISTENER,
    return503OnClosing: false,
    keepAliveTimeout: edge.keepAliveTimeoutMs,
    trustProxy: edge.trustProxy.length > 0 || edge.trustsSocket ? isTrusted : false,
    genReqId: requestIdOf,
    routerOptions: ROUTER,
    // The router would refuse such a path before any hook runs: without limits, timing and a log line.
    rewriteUrl: ({ url = '' }) => (isReadable(url) ? url : UNREADABLE_PATH),
    clientErrorHandler: brokenRequests.answer,
    frameworkErrors: (error, request, reply) => {
      // The router gave up before any hook ran: what the hooks would do is done here.
      reply.headers({ ...SECURITY_HEADERS, ...corsHeadersOf(request.headers.origin), 'x-request-id': request.id })
      if (drain.hasBegun) reply.header('connection', 'close')
      const problem = problemOf(error, request)
      recordUnrouted(request, problem, metrics)
      return sendProblem(problem, request, reply, publicUrl)
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  boundConnections(app, {
    onDropped: () => metrics.connectionDropped('public'),
    maxPerAddress: edge.maxConnectionsPerAddress,
    isProxy: isTrusted
  })
  brokenRequests.watch(app.server)
  watchIdle(app.server, {
    isProxy: isTrusted,
    isIdle: brokenRequests.isIdle,
    onClosed: metrics.idleProxyConnectionClosed
  })
  app.setValidatorCompiler(lazyValidators(createValidatorCompiler))
  for (const model of models) app.addSchema(model)
  answerHead(app)
  announceDeprecation(app)
  app.addHook('onRoute', route => {
    // An operation without a query refuses every parameter.
    if (route.schema && refusesUnknownQuery(route.config)) {
      route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false }
    }
  })

  await app.register(finishing)
  onFinished(app, brokenRequests.forget)
  if (options.tracer)
    await app.register((await import('./http/plugins/tracing.ts')).tracing, { tracer: options.tracer })
  await app.register(telemetry, { metrics })
  await app.register(errors, { publicUrl })
  await app.register(security, edge)
  await app.register(draining, { drain })
  await app.register(guard, { isTrusted })
  await app.register(preflights, edge)
  await app.register(shedding, { pressure })
  await app.register(limits, { limiter, factorOf: request => limitFactorOf(request, authenticators) })
  await app.register(loginLimits, { ...limitOptions, store })
  const switchedOff = createSwitchedOff(options.switches)
  await app.register(unrouted, { switchedOff })
  await app.register(cookie)
  await app.register(auditing, { audit })
  await app.register(docs, { version, publicUrl, mount, basePath, sandboxUrl })
  await app.register(
    async api => {
      const beginLogin = app.getDecorator<BeginLogin>(BEGIN_LOGIN)
      const { signalOf } = drain
      const sessionOptions = {
        sessions,
        audit,
        origins,
        publicUrl: address.publicUrl,
        signalOf,
        beginLogin,
        accountHash
      }
      await api.register(serviceRoutes, { isReady })
      await api.register(loginRoutes, sessionOptions)
      await api.register(async authenticatedScope => {
        await authenticatedScope.register(authenticate, { authenticators, limiter, origins, signalOf: drain.signalOf })
        await authenticatedScope.register(customerLimits, { limiter })
        await authenticatedScope.register(authorise, { listOrderedBy: services.orders.listOrderedBy })
        await authenticatedScope.register(streamLimits, {})
        await authenticatedScope.register(conditional)
        await authenticatedScope.register(compression)
        await authenticatedScope.register(batching)
        await authenticatedScope.register(sessionRoutes, sessionOptions)
        await authenticatedScope.register(tokenRoutes, { tokens, sessions })
        const deps: Deps = {
          ...services,
          links,
          explain: (error: unknown, request: FastifyRequest) => explain(error, request, publicUrl),
          isDraining: () => drain.hasBegun
        }
        for (const routes of authenticated) {
          await authenticatedScope.register(switchedOff.remaining(routes, basePath), deps)
        }
      })
    },
    { prefix: basePath }
  )
  return app
}
