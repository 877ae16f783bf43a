import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { refusedOrigin } from '../../auth/csrf.ts'
import { isProblem } from '../../core/problem.ts'

export interface SecurityOptions {
  /** Exact origins whose pages may call. */
  allowedOrigins: string[]
}

/** Headers of every reply, computed once. The documentation pages set their own policy. */
export const SECURITY_HEADERS = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
})

/** Headers that a page of an allowed origin may read. */
const EXPOSED = [
  'Deprecation',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'Server-Timing',
  'Sunset',
  'X-Request-Id'
]

/** Makes the function that gives the CORS headers of a reply which no hook sees. @param allowedOrigins exact origins */
export const createCorsHeaders =
  (allowedOrigins: readonly string[]) =>
  (origin: string | undefined): Record<string, string> =>
    origin === undefined || !allowedOrigins.includes(origin)
      ? {}
      : {
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-expose-headers': EXPOSED.join(', '),
          vary: 'Origin'
        }

/** Sets the security headers of every reply and the CORS headers of allowed origins. */
export const security = fp(
  async (app: FastifyInstance, { allowedOrigins }: SecurityOptions) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.headers(SECURITY_HEADERS)
      reply.header('x-request-id', request.id)
      done()
    })
    if (allowedOrigins.length === 0) return
    const options = {
      origin: allowedOrigins,
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      credentials: true,
      exposedHeaders: EXPOSED,
      maxAge: 600,
      // `preflights` answers them, after `guard` has checked the request. Any other OPTIONS request gets 405.
      preflightContinue: true,
      strictPreflight: false
    }
    await app.register(cors, {
      delegator: (request, done) => done(null, { ...options, preflight: isPreflight(request) })
    })
  },
  { name: 'security' }
)

/** Warnings of an origin are not repeated until so many others were refused. */
const MAX_WARNED = 100

/** Answers the preflight requests of browsers, and warns of each origin that is refused. */
export const preflights = fp(
  async (app: FastifyInstance, { allowedOrigins }: SecurityOptions) => {
    const warned = new Set<string>()
    app.addHook('onError', async ({ log }, _reply, error) => {
      const origin = isProblem(error) ? error.options.refusedOrigin : undefined
      if (origin === undefined || warned.has(origin)) return
      if (warned.size === MAX_WARNED) warned.clear()
      warned.add(origin)
      log.warn({ origin }, 'pages of this origin are refused; to allow them, add it to ALLOWED_ORIGINS')
    })
    app.addHook('onRequest', (request, reply, done) => {
      if (!isPreflight(request)) return done()
      const { origin = '' } = request.headers
      if (!allowedOrigins.includes(origin)) throw refusedOrigin(origin)
      reply.code(204).send()
    })
  },
  { name: 'preflights' }
)

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
