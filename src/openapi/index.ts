import type { FastifyInstance, FastifyReply, FastifyRequest, InjectOptions } from 'fastify'
import fp from 'fastify-plugin'
import { openOperation } from '../http/operation.ts'
import { sendPublicFile } from './download.ts'
import type { DocsOptions, DocumentedRoute } from './reference.ts'
import { addSandboxActions } from './sandbox-page.ts'

/** The page and its files: everything that Swagger UI has. */
const PATHS = ['/docs', '/docs/*']

const PAGES = openOperation({
  priority: 'reference',
  allowsHttp10: false,
  isAnsweredWhileDraining: true,
  ignoresUnknownQuery: true
})

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
      // HEAD answers like GET; the description says so once.
      const [documented = ''] = [method].flat()
      if (schema && !schema.hide) routes.push({ method: documented, url, schema, ...(config && { config }) })
    })
    let reference: Promise<Awaited<ReturnType<typeof load>>> | undefined
    const load = async () => (await import('./reference.ts')).buildReference(routes, options)
    const inject = async (url: string, headers: InjectOptions['headers'] = {}) => {
      reference ??= load()
      return (await reference).inject({ method: 'GET', url, headers })
    }
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => CONDITIONS.has(name)))
      const found = await inject(request.url, headers)
      if (found.statusCode === 404) return reply.callNotFound()
      return reply.code(found.statusCode).headers(found.headers).send(found.rawPayload)
    }
    await app.register((pages, _options, done) => {
      pages.addHook('onRoute', route => {
        route.config = { ...route.config, ...PAGES }
      })
      for (const path of PATHS) pages.get(options.basePath + path, { schema: { hide: true } }, answer)
      if (options.sandboxUrl) addSandboxActions(pages, `${options.basePath}/docs`, options.sandboxUrl)
      for (const type of ['json', 'yaml']) {
        const url = `${options.basePath}/openapi.${type}`
        const text = async () => (await inject(url)).payload
        pages.get(url, { schema: { hide: true } }, sendPublicFile({ type: `application/${type}`, text }))
      }
      done()
    })
  },
  { name: 'docs' }
)
