import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyRequest, fastify, LogController } from 'fastify'
import { authenticated, loginRoutes, service, session } from '../routes/index.ts'
import { models } from '../schemas/index.ts'
import type { Authenticators } from './auth/authenticators/index.ts'
import type { Sessions } from './auth/sessions.ts'
import type { Links } from './core/links.ts'
import { version } from './core/version.ts'
import { createBrokenRequests } from './http/broken-requests.ts'
import type { Drain } from './http/drain.ts'
import { boundConnections, LISTENER } from './http/listener.ts'
import { isReadable, UNREADABLE_PATH } from './http/path.ts'
import { audited } from './http/plugins/audit.ts'
import { authenticate, limitFactorOf } from './http/plugins/authenticate.ts'
import { authorise } from './http/plugins/authorise.ts'
import { conditional } from './http/plugins/conditional.ts'
import { draining } from './http/plugins/drain.ts'
import { errors, explain, problemOf, sendProblem } from './http/plugins/errors.ts'
import { guard } from './http/plugins/guard.ts'
import { inFlight } from './http/plugins/in-flight.ts'
import { shedding } from './http/plugins/load-shedding.ts'
import { CONSUME_LOGIN, limitCallers, limits } from './http/plugins/rate-limits.ts'
import { preflights, SECURITY_HEADERS, security } from './http/plugins/security-headers.ts'
import { recordUnrouted, telemetry } from './http/plugins/telemetry.ts'
import type { Pressure } from './http/pressure.ts'
import { parseQuery } from './http/query.ts'
import { requestIdOf } from './http/request-id.ts'
import type { ConsumeLogin, Services } from './http/route.ts'
import { createValidatorCompiler } from './http/validation.ts'
import type { Audit } from './observability/audit.ts'
import type { Metrics } from './observability/metrics.ts'
import { docs, docsPages } from './openapi/index.ts'
import type { Store } from './store/index.ts'

export interface AppOptions {
  metrics: Metrics
  log: FastifyBaseLogger
  publicUrl: URL
  basePath: string
  /** Path under which callers see the API: empty, or `/something`. */
  mount: string
  rateLimit: { max: number; windowMs: number }
  replicasHint: number
  trustProxy: string[]
  allowedOrigins: string[]
  store: Store
  authenticators: Authenticators
  sessions: Sessions
  audit: Audit
  services: Services
  links: Links
  /** Origins whose pages may use the cookie. */
  origins: ReadonlySet<string>
  isReady: () => Promise<boolean>
  drain: Drain
  pressure: Pick<Pressure, 'level'>
}

/** A path means one thing: nothing of it is folded, cut or normalised before an operation sees it. */
const ROUTER = {
  // Long enough for the schemas to judge, which say what is wrong.
  maxParamLength: 4096,
  querystringParser: parseQuery,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  useSemicolonDelimiter: false,
  caseSensitive: true
}

/** The gateway: every part, registered in the order in which a request meets them. */
export const buildApp = async (options: AppOptions) => {
  const { publicUrl, basePath, mount } = options
  const base = publicUrl.href.replace(/\/$/, '')
  const limitOptions = { store: options.store, ...options.rateLimit }
  const brokenRequests = createBrokenRequests({ publicUrl: base, metrics: options.metrics, log: options.log })
  const app = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    ...LISTENER,
    return503OnClosing: false,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    genReqId: requestIdOf,
    routerOptions: ROUTER,
    // The router would give up before any hook runs; so nobody is answered without limits, times and a line.
    rewriteUrl: ({ url = '' }) => (isReadable(url) ? url : UNREADABLE_PATH),
    clientErrorHandler: brokenRequests.answer,
    frameworkErrors: (error, request, reply) => {
      // The router gives up before any hook runs: what the hooks would do is done here.
      reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id })
      if (options.drain.hasBegun) reply.header('connection', 'close')
      const problem = problemOf(error, request)
      recordUnrouted(request, problem, options.metrics)
      return sendProblem(problem, request, reply, base)
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  boundConnections(app.server, () => options.metrics.connectionDropped('public'))
  brokenRequests.watch(app.server)
  app.setValidatorCompiler(createValidatorCompiler())
  for (const model of models) app.addSchema(model)
  app.addHook('onRoute', route => {
    // A query that an operation does not know is refused, not ignored.
    if (route.schema) route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false }
  })

  await app.register(telemetry, { metrics: options.metrics })
  await app.register(security, { allowedOrigins: options.allowedOrigins })
  await app.register(errors, { publicUrl: base })
  await app.register(draining, { drain: options.drain })
  await app.register(guard)
  await app.register(preflights, { allowedOrigins: options.allowedOrigins })
  await app.register(shedding, { pressure: options.pressure })
  await app.register(limits, {
    ...limitOptions,
    replicasHint: options.replicasHint,
    factorOf: request => limitFactorOf(request, options.authenticators)
  })
  await app.register(cookie)
  await app.register(audited, { audit: options.audit })
  await app.register(docs, { version, publicUrl: base, mount, basePath })
  await app.register(
    async api => {
      await api.register(docsPages)
      await api.register(service, { isReady: options.isReady })
      const { sessions, audit, origins } = options
      const sessionOptions = {
        sessions,
        audit,
        origins,
        signalOf: options.drain.signalOf,
        consumeLogin: app.getDecorator<ConsumeLogin>(CONSUME_LOGIN)
      }
      await api.register(loginRoutes, sessionOptions)
      await api.register(async authenticatedScope => {
        await authenticatedScope.register(authenticate, {
          authenticators: options.authenticators,
          origins,
          signalOf: options.drain.signalOf
        })
        await authenticatedScope.register(limitCallers, limitOptions)
        await authenticatedScope.register(inFlight)
        await authenticatedScope.register(authorise)
        await authenticatedScope.register(conditional)
        await authenticatedScope.register(session, sessionOptions)
        const isDraining = () => options.drain.hasBegun
        const deps = {
          ...options.services,
          links: options.links,
          explain: (error: unknown, request: FastifyRequest) => explain(error, request, base),
          isDraining
        }
        for (const routes of authenticated) await authenticatedScope.register(routes, deps)
      })
    },
    { prefix: basePath }
  )
  return app
}
