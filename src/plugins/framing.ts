import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'

/**
 * Refuses what Node's strict parser still lets through and a proxy in front may read otherwise: measured with two Host
 * headers, absolute targets, other versions and names with an underscore.
 */
export const framing = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', async request => {
      const fault = faultOf(request)
      if (fault !== undefined) throw new Problem('invalid-request', fault)
      if (!request.raw.url?.startsWith('/')) throw new Problem('malformed-url', 'The target must be a path.')
    })
  },
  { name: 'framing' }
)

/** Probes of old load balancers speak HTTP/1.0. */
const PROBES = /\/(livez|readyz)$/

const faultOf = (request: FastifyRequest): string | undefined => {
  const { rawHeaders, httpVersion } = request.raw
  const names = rawHeaders.filter((_, index) => index % 2 === 0)
  if (names.filter(name => name.toLowerCase() === 'host').length > 1) return 'There is more than one Host header.'
  // Some servers read `_` as `-`: the same request would say two things.
  if (names.some(name => name.includes('_'))) return 'The name of a header holds an underscore.'
  const isOldProbe = httpVersion === '1.0' && PROBES.test(request.routeOptions.url ?? '')
  return httpVersion === '1.1' || isOldProbe ? undefined : 'The request is not HTTP/1.1.'
}
