import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { TSchema } from 'typebox'
import { COOKIE } from '../auth/cookie.ts'
import { type Asked, causesOf } from '../http/answers.ts'
import { needsOf } from '../http/route.ts'
import { completed, type Document } from './document.ts'
import { PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE, sendCsrf } from './page.ts'
import { withProblems } from './problems.ts'
import { description, tags, title } from './text.ts'
import { unroutedReplies, unroutedText } from './unrouted.ts'

export interface DocsOptions {
  version: string
  /** Base of the problem types, without a slash at the end. */
  publicUrl: string
  /** Path under which callers see the API: empty, or `/something`. */
  mount: string
  /** Where the routes are mounted in this process: the same, unless a proxy takes a part of the path away. */
  basePath: string
}

/** Ways for a caller to show who it is. */
const AUTHENTICATION = [{ bearer: [] }, { session: [], csrf: [] }]

const serverAt = (mount: string) => ({
  url: mount || '/',
  description: 'Sandbox or production.',
  'x-internal': false
})

/** The OpenAPI document, made from the routes as they are registered. */
export const docs = fp(
  async (app: FastifyInstance, { version, publicUrl, mount, basePath }: DocsOptions) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title,
          version,
          description: `${description}\n\n${unroutedText(publicUrl)}`,
          contact: { name: 'The operator of this gateway' },
          license: { name: 'MIT', identifier: 'MIT' }
        },
        servers: [serverAt(mount)],
        tags,
        components: {
          securitySchemes: {
            bearer: {
              type: 'http',
              scheme: 'bearer',
              description: 'A HOSTKEY token, passed through; or the credential of an internal service, `hks_…`.'
            },
            session: { type: 'apiKey', in: 'cookie', name: COOKIE, description: 'The cookie of `POST /session`.' },
            csrf: { type: 'apiKey', in: 'header', name: 'X-CSRF', description: '`1`, with every request by cookie.' }
          }
        },
        security: AUTHENTICATION
      },
      refResolver: { buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `def-${i}`) },
      stripBasePath: false,
      transform: ({ schema, url, route }) => ({
        schema: documented(schema ?? {}, route, publicUrl),
        url: url.slice(basePath.length).replace(/\/\*$/, '/:path')
      }),
      // The document is the plugin's own, of a type that knows more kinds of it than are made here.
      transformObject: made =>
        'openapiObject' in made
          ? { ...completed(made.openapiObject as Document, mount), 'x-unrouted': unroutedReplies(publicUrl) }
          : made.swaggerObject
    })
  },
  { name: 'docs' }
)

/** Swagger UI at `/docs`, and the document as a file; both below the mount point. */
export const docsPages = fp(
  async (app: FastifyInstance) => {
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      // The page names its files from where it is, so that it also works behind a proxy that rewrites the path.
      indexPrefix: '.',
      staticCSP: PAGE_POLICY,
      transformStaticCSP: () => PAGE_POLICY,
      theme: {
        title,
        css: [{ filename: 'page.css', content: PAGE_STYLE }],
        js: [{ filename: 'page.js', content: PAGE_SCRIPT }]
      },
      uiConfig: {
        tryItOutEnabled: true,
        withCredentials: true,
        deepLinking: true,
        displayRequestDuration: true,
        persistAuthorization: false,
        requestInterceptor: sendCsrf,
        // Null keeps the page from asking a validator on another host; the type does not know it.
        validatorUrl: null as unknown as string
      }
    })
    // The document is complete once every route is registered, and never changes after.
    const document = (format: 'json' | 'yaml') => async (_request: unknown, reply: FastifyReply) =>
      format === 'json'
        ? reply.type('application/json').send(JSON.stringify(app.swagger()))
        : reply.type('application/yaml').send(app.swagger({ yaml: true }))
    app.get('/openapi.json', { schema: { hide: true } }, document('json'))
    app.get('/openapi.yaml', { schema: { hide: true } }, document('yaml'))
  },
  { name: 'docs-pages', dependencies: ['docs'] }
)

/** What the document says of a route beside its schema, and what its reader shall see otherwise than Fastify does. */
const documented = (schema: object, { method, config }: Pick<RouteOptions, 'method' | 'config'>, publicUrl: string) => {
  const needed = needsOf(config)
  const { params, querystring, response = {}, ...rest } = schema as RouteSchema
  const telling = { operationId: rest.operationId ?? '', method: String(method), needed }
  return {
    ...(needed && { security: AUTHENTICATION }),
    ...rest,
    ...(needed?.scope && { description: `${rest.description} Needs the scope \`${needed.scope}\`.` }),
    response: withProblems(response, telling, publicUrl),
    ...(params && { params: wildcardAsPath(params) }),
    ...(querystring && { querystring: asOfCaller(querystring) }),
    'x-required-scope': needed?.scope ?? 'none',
    'x-rate-class': needed?.rate ?? 'ip',
    'x-rate-cost': needed?.cost ?? 1,
    'x-upstream-action': causesOf(response).asked.map(({ action }) => callOf(action))
  }
}

const callOf = ({ script, name }: Asked['action']) => `${script.replace('.php', '')}/${name}`

interface RouteSchema {
  operationId?: string
  description?: string
  params?: ObjectSchema
  querystring?: ObjectSchema
  response?: object
}

interface ObjectSchema {
  properties: Record<string, TSchema & { default?: unknown }>
  required?: string[]
}

/** Fastify calls the wildcard `*`, which is no name for a reader. */
const wildcardAsPath = (params: ObjectSchema): ObjectSchema => ({
  ...params,
  properties: Object.fromEntries(
    Object.entries(params.properties).map(([name, schema]) => [name === '*' ? 'path' : name, schema])
  ),
  ...(params.required && { required: params.required.map(name => (name === '*' ? 'path' : name)) })
})

/** A parameter with a default is always there for the handler, and optional for the caller. */
const asOfCaller = (query: ObjectSchema): ObjectSchema => ({
  ...query,
  required: (query.required ?? []).filter(name => query.properties[name]?.default === undefined)
})
