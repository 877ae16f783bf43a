import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

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
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'X-Request-Id'
]

/** What every reply carries, and which pages may call. */
export const security = fp(
  async (app: FastifyInstance, { allowedOrigins }: SecurityOptions) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(SECURITY_HEADERS)
      reply.header('x-request-id', request.id)
    })
    if (allowedOrigins.length > 0) {
      await app.register(cors, {
        origin: allowedOrigins,
        methods: ['GET', 'POST', 'DELETE'],
        credentials: true,
        exposedHeaders: EXPOSED,
        maxAge: 600
      })
    }
  },
  { name: 'security' }
)
