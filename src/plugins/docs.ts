import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { TSchema } from 'typebox'
import { needsOf } from '../route.ts'
import { description, tags } from './docs-text.ts'

export interface DocsOptions {
  version: string
  /** Where the whole API is mounted; empty or `/something`. */
  basePath: string
}

/** The page may load its own files and nothing else, and may be framed by nobody. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'"
].join('; ')

/** The OpenAPI document, made from the routes as they are registered, and Swagger UI at `/docs`. */
export const docs = fp(
  async (app: FastifyInstance, { version, basePath }: DocsOptions) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'HOSTKEY S3 gateway',
          version,
          description,
          license: { name: 'MIT', identifier: 'MIT' }
        },
        servers: [{ url: basePath || '/', description: 'This gateway.' }],
        tags,
        components: {
          securitySchemes: {
            bearer: { type: 'http', scheme: 'bearer', description: 'A HOSTKEY token, passed through.' }
          }
        },
        security: [{ bearer: [] }]
      },
      refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `def-${i}`) },
      transform: ({ schema, url, route }) => ({ schema: documented(schema ?? {}, route.config), url: url.replace(/\/\*$/, '/:path') })
    })
    await app.register(swaggerUi, {
      routePrefix: `${basePath}/docs`,
      staticCSP: PAGE_POLICY,
      transformStaticCSP: () => PAGE_POLICY,
      uiConfig: {
        tryItOutEnabled: true,
        withCredentials: true,
        deepLinking: true,
        displayRequestDuration: true,
        persistAuthorization: false,
        // Null keeps the page from asking a validator on another host; the type does not know it.
        validatorUrl: null as unknown as string
      }
    })
    // The document is complete once every route is registered, and never changes after.
    const document = (format: 'json' | 'yaml') => async (_request: unknown, reply: FastifyReply) =>
      format === 'json'
        ? reply.type('application/json').send(JSON.stringify(app.swagger()))
        : reply.type('application/yaml').send(app.swagger({ yaml: true }))
    app.get(`${basePath}/openapi.json`, { schema: { hide: true } }, document('json'))
    app.get(`${basePath}/openapi.yaml`, { schema: { hide: true } }, document('yaml'))
  },
  { name: 'docs' }
)

/** What the document says of a route beside its schema, and what its reader shall see otherwise than Fastify does. */
const documented = (schema: object, config: unknown): object => {
  const needed = needsOf(config)
  const { params, querystring, ...rest } = schema as { params?: ObjectSchema; querystring?: ObjectSchema }
  return {
    ...rest,
    ...(params && { params: wildcardAsPath(params) }),
    ...(querystring && { querystring: defaultsAsOptional(querystring) }),
    ...(needed && { 'x-required-scope': needed.scope, 'x-rate-class': needed.rate })
  }
}

interface ObjectSchema {
  properties: Record<string, TSchema & { default?: unknown }>
  required?: string[]
}

/** Fastify calls the wildcard `*`, which is no name for a reader. */
const wildcardAsPath = (params: ObjectSchema): ObjectSchema => ({
  ...params,
  properties: Object.fromEntries(Object.entries(params.properties).map(([name, schema]) => [name === '*' ? 'path' : name, schema])),
  ...(params.required && { required: params.required.map(name => (name === '*' ? 'path' : name)) })
})

/** A parameter with a default is always there for the handler, and optional for the caller. */
const defaultsAsOptional = (query: ObjectSchema): ObjectSchema => ({
  ...query,
  required: (query.required ?? []).filter(name => query.properties[name]?.default === undefined)
})
