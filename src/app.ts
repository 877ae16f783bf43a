import { randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, type FastifyRequest, fastify, LogController } from 'fastify'
import { authenticated, doorway, service, session } from '../routes/index.ts'
import { models } from '../schemas/index.ts'
import type { Audit } from './audit.ts'
import { answerBrokenRequest } from './broken-request.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Metrics } from './metrics.ts'
import type { Ordering } from './ordering.ts'
import { audited } from './plugins/audit.ts'
import { authenticate, type Doors, limitFactorOf } from './plugins/authenticate.ts'
import { authorise } from './plugins/authorise.ts'
import { docs, docsPages } from './plugins/docs.ts'
import { type Drain, draining } from './plugins/draining.ts'
import { errors, explained, problemOf, sendProblem } from './plugins/errors.ts'
import { guard } from './plugins/guard.ts'
import { DRAW_LOGIN, type DrawLogin, limitCallers, limits } from './plugins/limits.ts'
import { measure, recordUnrouted } from './plugins/measure.ts'
import { SECURITY_HEADERS, security } from './plugins/security.ts'
import { parseQuery } from './query.ts'
import type { Secret } from './secret.ts'
import type { Sessions } from './sessions.ts'
import type { Store } from './store/index.ts'
import type { Tombstones } from './tombstones.ts'
import type { Auth } from './upstream/auth.ts'
import type { Upstream } from './upstream/client.ts'
import { createValidatorCompiler } from './validation.ts'
import { version } from './version.ts'

export interface AppOptions {
  upstream: Upstream
  metrics: Metrics
  log: FastifyBaseLogger
  publicUrl: URL
  basePath: string
  rateLimit: { max: number; windowMs: number }
  trustProxy: string[]
  allowedOrigins: string[]
  store: Store
  doors: Doors
  auth: Auth
  sessions: Sessions
  audit: Audit
  ordering: Ordering
  ledger: Ledger
  tombstones: Tombstones
  /** Ends a token at HOSTKEY, in its own time. */
  revokeLater: (token: Secret) => void
  /** Origins whose pages may use the cookie. */
  origins: ReadonlySet<string>
  isReady: () => Promise<boolean>
  drain: Drain
  /** Pauses before each look for what a write has made. */
  settleMs?: readonly number[]
}

/** Beyond so many connections the next ones wait in the kernel. */
const MAX_CONNECTIONS = 2000

/** Bodies of this API are smaller than 2 KiB. */
const BODY_LIMIT = 16 * 1024

/** A path means one thing: nothing of it is folded, cut or normalised before an operation sees it. */
const ROUTER = {
  // Long enough for the schemas to judge, which say what is wrong.
  maxParamLength: 4096,
  querystringParser: (query: string) => parseQuery(query) as Record<string, unknown>,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  useSemicolonDelimiter: false,
  caseSensitive: true
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The gateway: every part, registered in the order in which a request meets them. */
export const buildApp = async (options: AppOptions) => {
  const { upstream, publicUrl, basePath, settleMs = [0, 500, 1500] } = options
  const base = publicUrl.href.replace(/\/$/, '')
  const limitOptions = { store: options.store, ...options.rateLimit }
  const mount = publicUrl.pathname.replace(/\/$/, '')
  const app = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    maxRequestsPerSocket: 1000,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
    routerOptions: ROUTER,
    http: {
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16 * 1024,
      requireHostHeader: false
    },
    keepAliveTimeout: 65_000,
    clientErrorHandler: answerBrokenRequest(base),
    frameworkErrors: (error, request, reply) => {
      // The router gives up before any hook runs: what the hooks would do is done here.
      reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id })
      const problem = problemOf(error, request)
      recordUnrouted(request, problem, options.metrics)
      return sendProblem(problem, request, reply, base)
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.server.maxConnections = MAX_CONNECTIONS
  app.setValidatorCompiler(createValidatorCompiler())
  for (const model of models) app.addSchema(model)
  app.addHook('onRoute', route => {
    // A query that an operation does not know is refused, not ignored.
    if (route.schema) route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false }
  })

  await app.register(measure, { metrics: options.metrics })
  await app.register(draining, { drain: options.drain })
  await app.register(security, { allowedOrigins: options.allowedOrigins })
  await app.register(errors, { publicUrl: base })
  await app.register(guard)
  await app.register(limits, { ...limitOptions, factorOf: request => limitFactorOf(request, options.doors) })
  await app.register(cookie)
  await app.register(audited, { audit: options.audit })
  await app.register(docs, { version, publicUrl: base, mount, basePath })
  await app.register(
    async api => {
      await api.register(docsPages)
      await api.register(service, { isReady: options.isReady })
      const { auth, sessions, audit, origins, revokeLater } = options
      const sessionOptions = {
        auth,
        sessions,
        audit,
        origins,
        revokeLater,
        drawLogin: app.getDecorator<DrawLogin>(DRAW_LOGIN)
      }
      await api.register(doorway, sessionOptions)
      await api.register(async behindTheDoor => {
        await behindTheDoor.register(authenticate, { doors: options.doors, origins })
        await behindTheDoor.register(limitCallers, limitOptions)
        await behindTheDoor.register(authorise)
        await behindTheDoor.register(session, sessionOptions)
        const { ordering, ledger, tombstones } = options
        const explain = (error: unknown, request: FastifyRequest) => explained(error, request, base)
        const isDraining = () => options.drain.hasBegun
        const deps = { upstream, ordering, ledger, tombstones, mount, explain, isDraining, settleMs }
        for (const routes of authenticated) await behindTheDoor.register(routes, deps)
      })
    },
    { prefix: basePath }
  )
  return app
}
