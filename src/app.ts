import { randomUUID } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type FastifyBaseLogger, fastify, LogController } from 'fastify'
import { authenticated, service } from '../routes/index.ts'
import { models } from '../schemas/index.ts'
import { answerBrokenRequest } from './broken-request.ts'
import type { Metrics } from './metrics.ts'
import { authenticate } from './plugins/authenticate.ts'
import { docs } from './plugins/docs.ts'
import { errors, problemOf, sendProblem } from './plugins/errors.ts'
import { guard } from './plugins/guard.ts'
import { limitCallers, limits } from './plugins/limits.ts'
import { measure } from './plugins/measure.ts'
import { SECURITY_HEADERS, security } from './plugins/security.ts'
import { parseQuery } from './query.ts'
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
  isReady: () => boolean
  /** Pauses before each look for what a write has made. */
  settleMs?: readonly number[]
}

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
  const app = fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: BODY_LIMIT,
    exposeHeadRoutes: false,
    trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
    genReqId: ({ headers }) => {
      const given = headers['x-request-id']
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID()
    },
    routerOptions: ROUTER,
    http: { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 2_000, maxHeaderSize: 16 * 1024 },
    keepAliveTimeout: 65_000,
    clientErrorHandler: answerBrokenRequest(base),
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id })
      return sendProblem(problemOf(error, request), request, reply, base)
    }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.setValidatorCompiler(createValidatorCompiler())
  for (const model of models) app.addSchema(model)
  app.addHook('onRoute', route => {
    // A query that an operation does not know is refused, not ignored.
    if (route.schema) route.schema.querystring ??= { type: 'object', properties: {}, additionalProperties: false }
  })

  await app.register(measure, { metrics: options.metrics })
  await app.register(security, { allowedOrigins: options.allowedOrigins })
  await app.register(errors, { publicUrl: base })
  await app.register(guard)
  await app.register(limits, options.rateLimit)
  await app.register(docs, { version, basePath })
  await app.register(
    async api => {
      await api.register(service, { isReady: options.isReady })
      await api.register(async behindTheDoor => {
        await behindTheDoor.register(authenticate)
        await behindTheDoor.register(limitCallers, options.rateLimit)
        const deps = { upstream, mount: publicUrl.pathname.replace(/\/$/, ''), settleMs }
        for (const routes of authenticated) await behindTheDoor.register(routes, deps)
      })
    },
    { prefix: basePath }
  )
  return app
}
