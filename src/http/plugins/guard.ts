import accepts from '@fastify/accepts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Fault, Problem } from '../../core/problem.ts'
import { acceptedOf, PROBLEM_TYPE } from '../accept.ts'
import { hasDuplicateMembers } from '../duplicate-members.ts'
import { UNREADABLE } from '../query.ts'
import { needsOf } from '../route.ts'

/** Longest target that is read: a path of 1024 bytes, each percent-encoded, beside the names before it. */
export const MAX_URL_LENGTH = 8192

/** Refuses requests that cannot be understood in only one way, before anybody looks further. */
export const guard = fp(
  async (app: FastifyInstance) => {
    await app.register(accepts)
    readOnlyJson(app)
    // Node would answer an expectation that it does not know with an empty 417.
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
    const condemned = new WeakSet<object>()
    app.addHook('onRequest', async (request, reply) => {
      const { socket } = request.raw
      // What follows on such a connection may have been meant as a part of what was refused.
      if (condemned.has(socket)) throw invalid('The request follows one that was refused.')
      const fault = framingFault(request)
      if (fault || request.method === 'TRACE') {
        condemned.add(socket)
        reply.header('connection', 'close')
      }
      if (fault) throw fault
      assertTarget(request)
      const { offers } = needsOf(request.routeOptions.config) ?? {}
      const isEmpty = request.method === 'DELETE'
      if (offers && acceptedOf(request, isEmpty ? [...offers, PROBLEM_TYPE] : offers) === undefined) {
        throw new Problem('not-acceptable', `This operation answers in ${offers.join(' or ')}.`)
      }
    })
    app.addHook('preValidation', async request => {
      const takesBody = request.routeOptions.schema?.body !== undefined
      if (!takesBody && request.body !== undefined) throw bodyTooMany()
    })
  },
  { name: 'guard' }
)

/**
 * Leaves JSON as the one kind of body. Fastify reads text/plain too, which a page may send to any origin unasked. An
 * empty body is none: clients name a type even where they send nothing.
 */
const readOnlyJson = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else
      void parse(request, String(body), (error, value) => {
        if (!error && hasDuplicateMembers(String(body), value)) done(duplicateMember())
        else done(error, value)
      })
  })
}

const bodyTooMany = () =>
  invalid('This operation takes no body.', [{ in: 'body', pointer: '', detail: 'must be absent' }])

const duplicateMember = () =>
  invalid('An object in the body names a member twice.', [{ in: 'body', pointer: '', detail: 'has a member twice' }])

const invalid = (detail: string, errors?: Fault[]) => new Problem('invalid-request', detail, errors && { errors })

/** Probes of old load balancers speak HTTP/1.0. */
const PROBE = /\/(livez|readyz)$/

/** Of these Node takes the first and drops the others; another server may take the last (observed). */
const SINGULAR = ['authorization', 'content-type']

/** Node reads all of these in some way, and another server in front may read them in another (RELIABILITY F7). */
const framingFault = ({ raw, originalUrl, routeOptions }: FastifyRequest): Problem | undefined => {
  const names = raw.rawHeaders.filter((_, place) => place % 2 === 0).map(name => name.toLowerCase())
  const hosts = names.filter(name => name === 'host').length
  const isProbe = PROBE.test(routeOptions.url ?? '')
  const isKnown = raw.httpVersion === '1.1' ? hosts === 1 : raw.httpVersion === '1.0' && isProbe && hosts <= 1
  if (!isKnown) return invalid('The request is not HTTP/1.1 with one header Host.')
  if (!originalUrl.startsWith('/')) return new Problem('malformed-url', 'The target of a request is a path.')
  const odd = names.filter(name => name.includes('_'))
  if (odd.length > 0) return invalid('The name of a header holds an underscore.', odd.slice(0, 100).map(oddHeader))
  const twice = SINGULAR.filter(name => names.indexOf(name) !== names.lastIndexOf(name))
  if (twice.length > 0) return invalid('A header comes more than once.', twice.map(repeatedHeader))
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = raw.headers
  // Nobody reads the body of a GET, so nobody would miss what somebody has put there.
  if (raw.method === 'GET' && (encoding !== undefined || length !== '0')) return bodyTooMany()
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
    return invalid('The body comes in another transfer coding than chunked.')
  }
  return undefined
}

/** Some servers make a hyphen of it, and a header that nobody may send gets in. */
const oddHeader = (name: string): Fault => ({
  in: 'header',
  parameter: name.slice(0, 256),
  detail: 'holds an underscore'
})

const repeatedHeader = (parameter: string): Fault => ({ in: 'header', parameter, detail: 'is given more than once' })

const assertTarget = (request: FastifyRequest): void => {
  const target = request.originalUrl
  if (target.length > MAX_URL_LENGTH) throw new Problem('uri-too-long', 'The URL is longer than 8 KiB.')
  // Fastify would cut the target here, and a file named `a#b` would become `a`.
  if (target.includes('#')) throw new Problem('malformed-url', 'A URL that is sent holds no `#`: encode it as %23.')
  // Nothing stands behind the `?`, so nothing is unknown, and a file named `a?` would become `a`.
  if (request.routeOptions.url?.endsWith('/files/*') && /\?&*$/.test(target)) {
    throw new Problem('malformed-url', 'A file path ends in an empty query: encode a `?` as %3F.')
  }
  if (Object.hasOwn(request.query as object, UNREADABLE)) {
    const isFile = request.method === 'DELETE' && (request.routeOptions.url?.endsWith('/files') ?? false)
    throw isFile
      ? new Problem('file-path-encoding', 'The query is not well-encoded UTF-8.')
      : new Problem('malformed-url', 'The query is not well-encoded UTF-8.')
  }
}
