import accepts from '@fastify/accepts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { acceptedOf } from '../accept.ts'
import { Problem } from '../problem.ts'
import { UNREADABLE } from '../query.ts'
import { needsOf } from '../route.ts'

/** Longest target that is read: a path of 1024 bytes, each percent-encoded, beside the names before it. */
const MAX_URL_LENGTH = 8192

/** Refuses requests that cannot be understood in only one way, before anybody looks further. */
export const guard = fp(
  async (app: FastifyInstance) => {
    await app.register(accepts)
    readOnlyJson(app)
    // Node would answer an expectation that it does not know with an empty 417.
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
    app.addHook('onRequest', async request => {
      assertFraming(request)
      assertTarget(request)
      const { offers } = needsOf(request.routeOptions.config) ?? {}
      if (offers && acceptedOf(request, offers) === undefined) {
        throw new Problem('not-acceptable', `This operation answers in ${offers.join(' or ')}.`)
      }
    })
    app.addHook('preValidation', async request => {
      const takesBody = request.routeOptions.schema?.body !== undefined
      if (!takesBody && request.body !== undefined && request.body !== null) {
        throw new Problem('invalid-request', 'This operation takes no body.', {
          errors: [{ in: 'body', pointer: '', detail: 'must be absent' }]
        })
      }
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
    else void parse(request, String(body), done)
  })
}

/** Node reads all of these in some way, and another server in front may read them in another (RELIABILITY F7). */
const assertFraming = ({ raw }: FastifyRequest): void => {
  const hosts = raw.rawHeaders.filter((name, place) => place % 2 === 0 && name.toLowerCase() === 'host').length
  const isKnown = raw.httpVersion === '1.1' ? hosts === 1 : raw.httpVersion === '1.0' && hosts <= 1
  if (!isKnown) throw new Problem('invalid-request', 'The request is not HTTP/1.1 with one header Host.')
  if (!raw.url?.startsWith('/')) throw new Problem('malformed-url', 'The target of a request is a path.')
}

const assertTarget = (request: FastifyRequest): void => {
  const target = request.raw.url ?? ''
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
