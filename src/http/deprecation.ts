import type { FastifyInstance, onRequestHookHandler } from 'fastify'
import { type Deprecation, operationIn } from './operation.ts'

/**
 * Sends `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) with every reply of an operation that declares them. Other
 * operations have no hook for it.
 * @param app before its routes are registered
 */
export const announceDeprecation = (app: FastifyInstance): void => {
  app.addHook('onRoute', route => {
    const { deprecation } = operationIn(route.config)
    if (!deprecation) return
    const headers = headersOf(deprecation)
    const announce: onRequestHookHandler = (_request, reply, done) => {
      reply.headers(headers)
      done()
    }
    route.onRequest = [announce, ...[route.onRequest ?? []].flat()]
  })
}

const headersOf = ({ since, sunset, link }: Deprecation): Record<string, string> => ({
  deprecation: `@${Math.floor(Date.parse(since) / 1000)}`,
  ...(sunset !== undefined && { sunset: new Date(sunset).toUTCString() }),
  ...(link !== undefined && { link: `<${link}>; rel="deprecation"; type="text/html"` })
})
