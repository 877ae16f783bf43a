import swagger from '@fastify/swagger'
import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import { fastify, type RouteOptions } from 'fastify'
import type { TSchema } from 'typebox'
import { models } from '../../schemas/index.ts'
import { COOKIE } from '../auth/cookie.ts'
import { outcomesOf } from '../http/answers.ts'
import { type CallerOperation, operationIn } from '../http/operation.ts'
import { WILDCARD, WILDCARD_NAME } from '../http/path.ts'
import type { Action } from '../upstream/actions/action.ts'
import { completeDocument, type Document } from './document.ts'
import { PAGE_POLICY, PAGE_SCRIPT, PAGE_STYLE, SANDBOX_SCRIPT, sendCsrf } from './page.ts'
import { withProblems } from './problems.ts'
import { description, tags, title } from './text.ts'
import { unroutedReplies, unroutedText } from './unrouted.ts'

export interface DocsOptions {
  version: string
  /** Base of the problem types, without a trailing slash. */
  publicUrl: string
  /** Path under which callers see the API: empty, or `/something`. */
  mount: string
  /** Where the routes are mounted in this process: differs when a proxy removes a part of the path. */
  basePath: string
  /** The embedded sandbox; undefined in front of the real HOSTKEY. */
  sandboxUrl: URL | undefined
}

/** What the document needs to know of a route. */
export type DocumentedRoute = Pick<RouteOptions, 'method' | 'url' | 'schema' | 'config'>

/** The ways to authenticate. */
const AUTHENTICATION = [{ bearer: [] }, { session: [], csrf: [] }]

const serverAt = (mount: string, sandboxUrl: URL | undefined) => ({
  url: mount || '/',
  description: sandboxUrl
    ? 'Sandbox: a simulated HOSTKEY, nothing is billed.'
    : 'Production: HOSTKEY, where it reads, deletes and orders for real.',
  'x-internal': false
})

/**
 * An application that is only injected into: the OpenAPI document of the routes, and Swagger UI. Its own routes are
 * copies of the gateway's that are described and never called.
 */
export const buildReference = async (
  routes: readonly DocumentedRoute[],
  { version, publicUrl, mount, basePath, sandboxUrl }: DocsOptions
) => {
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  for (const model of models) app.addSchema(model)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title,
        version,
        description: `${description}\n\n${unroutedText()}`,
        contact: { name: 'The operator of this gateway' },
        license: { name: 'MIT', identifier: 'MIT' }
      },
      servers: [serverAt(mount, sandboxUrl)],
      tags,
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A HOSTKEY token, passed through; or a token of the gateway, `hkt_…`, or the credential of an internal service, `hks_…`.'
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
      url: url.slice(basePath.length).replace(WILDCARD, `:${WILDCARD_NAME}`)
    }),
    // The plugin's type of a document also covers Swagger 2.
    transformObject: document =>
      'openapiObject' in document
        ? completeDocument({ ...(document.openapiObject as Document), 'x-unrouted': unroutedReplies() }, mount)
        : document.swaggerObject
  })
  for (const route of routes) app.route({ ...route, handler: () => undefined })
  const swaggerUiOptions: FastifySwaggerUiOptions = {
    routePrefix: '/docs',
    // The page refers to its files by relative addresses, so that it works behind a proxy that rewrites the path.
    indexPrefix: '.',
    staticCSP: PAGE_POLICY,
    transformStaticCSP: () => PAGE_POLICY,
    theme: {
      title,
      css: [{ filename: 'page.css', content: PAGE_STYLE }],
      js: [{ filename: 'page.js', content: sandboxUrl ? PAGE_SCRIPT + SANDBOX_SCRIPT : PAGE_SCRIPT }]
    },
    uiConfig: {
      tryItOutEnabled: true,
      withCredentials: true,
      deepLinking: true,
      displayRequestDuration: true,
      persistAuthorization: false,
      requestInterceptor: sendCsrf,
      // Null keeps the page from calling a validator on another host; the plugin's type lacks it.
      validatorUrl: null as unknown as string
    }
  }
  // In a scope of its own: the page names its files relative to the prefix.
  await app.register(async pages => pages.register(swaggerUi, swaggerUiOptions), { prefix: basePath })
  app.get(`${basePath}/openapi.json`, { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger()))
  )
  app.get(`${basePath}/openapi.yaml`, { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true }))
  )
  await app.ready()
  return app
}

/** The schema of a route, with what its declaration adds for the reader of the document. */
const documented = (schema: object, { method, config }: Pick<RouteOptions, 'method' | 'config'>, publicUrl: string) => {
  const operation = operationIn(config)
  const { params, querystring, response = {}, ...rest } = schema as RouteSchema
  const { rate, cost } = operation.access === 'open' ? (operation.countsByAddress ? OPEN : PROBE) : operation
  const scope = operation.access === 'open' ? undefined : scopesIn(operation)
  const actions = outcomesOf(response).calls.map(({ action }) => callOf(action))
  const source = {
    operationId: rest.operationId ?? '',
    method: String(method),
    scope: operation.access === 'open' ? '' : (operation.scope ?? ''),
    mediaTypes: operation.mediaTypes
  }
  return {
    security: operation.access === 'open' ? [] : AUTHENTICATION,
    ...rest,
    ...(operation.deprecation && { deprecated: true }),
    ...(scope && { description: `${rest.description} Scope: \`${scope.replace(' or ', '` or `')}\`.` }),
    response: withProblems(response, source, publicUrl),
    ...(params && { params: withoutWildcard(params) }),
    ...(querystring && { querystring: withOptionalDefaults(querystring) }),
    'x-required-scope': scope ?? 'none',
    ...(rate !== 'read' && { 'x-rate-class': rate }),
    ...(cost !== 1 && { 'x-rate-cost': cost }),
    ...(actions.length > 0 && { 'x-upstream-action': actions })
  }
}

/** Requests without a caller count by address. */
const OPEN = { rate: 'ip', cost: 1 }
const PROBE = { rate: 'none', cost: 0 }

/** The scope that an operation needs; several where its body decides. */
const scopesIn = ({ scope, scopeByBody }: CallerOperation): string | undefined =>
  scope ?? scopeByBody?.scopes.join(' or ')

const callOf = ({ script, name }: Action) => `${script.replace('.php', '')}/${name}`

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

const withoutWildcard = (params: ObjectSchema): ObjectSchema => {
  const documentedName = (name: string) => (name === WILDCARD ? WILDCARD_NAME : name)
  return {
    ...params,
    properties: Object.fromEntries(
      Object.entries(params.properties).map(([name, schema]) => [documentedName(name), schema])
    ),
    ...(params.required && { required: params.required.map(documentedName) })
  }
}

/** A parameter with a default is always there for the handler, and optional for the caller. */
const withOptionalDefaults = (query: ObjectSchema): ObjectSchema => ({
  ...query,
  required: (query.required ?? []).filter(name => query.properties[name]?.default === undefined)
})
