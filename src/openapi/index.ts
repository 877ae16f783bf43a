import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { openOperation } from '../http/operation.ts'
import type { DocsOptions, DocumentedRoute } from './reference.ts'

/** The document and its page: `/openapi.json`, `/openapi.yaml`, and everything that Swagger UI has. */
const PATHS = ['/openapi.json', '/openapi.yaml', '/docs', '/docs/*']

const PAGES = openOperation({ priority: 'reference', allowsHttp10: false, isAnsweredWhileDraining: true })

/** Of the headers of a request, those that a file of the page is chosen by. */
const CONDITIONS = new Set(['if-none-match', 'if-modified-since', 'range'])

/**
 * The OpenAPI document of all routes that are registered afterwards, and Swagger UI at `/docs`; both below the mount
 * point. They are made at the first request for one of them: most processes never need them, and they would take a third
 * of the start.
 */
export const docs = fp(
  async (app: FastifyInstance, options: DocsOptions) => {
    const routes: DocumentedRoute[] = []
    app.addHook('onRoute', ({ method, url, schema, config }) => {
      if (method !== 'HEAD' && schema && !schema.hide) routes.push({ method, url, schema, ...(config && { config }) })
    })
    let reference: Promise<Awaited<ReturnType<typeof load>>> | undefined
    const load = async () => (await import('./reference.ts')).buildReference(routes, options)
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      reference ??= load()
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => CONDITIONS.has(name)))
      const found = await (await reference).inject({ method: 'GET', url: request.url, headers })
      if (found.statusCode === 404) return reply.callNotFound()
      return reply.code(found.statusCode).headers(found.headers).send(found.rawPayload)
    }
    await app.register((pages, _options, done) => {
      pages.addHook('onRoute', route => {
        route.config = { ...route.config, ...PAGES }
      })
      for (const path of PATHS) pages.get(options.basePath + path, { schema: { hide: true } }, answer)
      done()
    })
  },
  { name: 'docs' }
)
