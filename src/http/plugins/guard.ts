import type { IncomingHttpHeaders } from 'node:http'
import accepts from '@fastify/accepts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { type Fault, Problem } from '../../core/problem.ts'
import { acceptedOf, PROBLEM_TYPE } from '../accept.ts'
import { hasDuplicateMembers } from '../duplicate-members.ts'
import { type Operation, operationOf, routeOf } from '../operation.ts'
import { UNREADABLE } from '../query.ts'

/** 8 KiB: a file path of 1024 bytes, each percent-encoded, and the names before it. */
export const MAX_URL_LENGTH = 8192

export interface GuardOptions {
  /** Is this address a proxy whose `X-Forwarded-*` headers are read? */
  isTrusted: (address: string) => boolean
}

/** Logged once: a client can send the header too. */
const UNTRUSTED_PROXY =
  'a request has X-Forwarded-For, and TRUST_PROXY does not list its sender: if that is your proxy, all clients behind it share one limit'

/** Refuses requests that two servers could read in different ways, before any other plugin reads them. */
export const guard = fp(
  async (app: FastifyInstance, { isTrusted }: GuardOptions) => {
    let hasWarned = false
    await app.register(accepts)
    readOnlyJson(app)
    // Node would answer an unknown `Expect` with an empty 417.
    app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
    const refused = new WeakSet<object>()
    app.addHook('onRequest', (request, reply, done) => {
      const operation = operationOf(request)
      const { socket, headers } = request.raw
      if (!hasWarned && headers['x-forwarded-for'] !== undefined && !isTrusted(socket.remoteAddress ?? '')) {
        hasWarned = true
        request.log.warn({ ip: socket.remoteAddress }, UNTRUSTED_PROXY)
      }
      // The next request on such a connection may have been a part of the refused one.
      if (refused.has(socket)) throw invalid('The request follows a refused request on the same connection.')
      const fault = framingFault(request, operation)
      // Fastify reads no body of these: its bytes would be taken for the next request.
      const isUnread = UNREAD.has(request.method) && hasBody(headers)
      if (fault || isUnread || request.method === 'TRACE') {
        refused.add(socket)
        reply.header('connection', 'close')
      }
      if (fault) throw fault
      if (isUnread && !request.is404) throw unexpectedBody()
      ignoreTypeWithoutBody(headers)
      assertTarget(request, operation)
      assertAcceptable(request, operation)
      done()
    })
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.body !== undefined && !routeOf(request).takesBody) throw unexpectedBody()
      done()
    })
  },
  { name: 'guard' }
)

/** Methods whose body Fastify does not read. */
const UNREAD = new Set(['GET', 'HEAD', 'TRACE'])

/** May a body follow? One in chunks may turn out to be empty. */
export const hasBody = ({
  'transfer-encoding': encoding,
  'content-length': length = '0'
}: IncomingHttpHeaders): boolean => encoding !== undefined || Number(length) !== 0

/** Many clients send the type of a form with every DELETE: the type of nothing is not refused. */
const ignoreTypeWithoutBody = (headers: IncomingHttpHeaders): void => {
  const { 'content-type': type, 'transfer-encoding': encoding } = headers
  if (type === undefined) return
  if (!hasBody(headers)) delete headers['content-type']
  // Fastify would refuse a type that it cannot read before anything shows whether a body follows.
  else if (encoding !== undefined && !/^\s*application\/json/i.test(type))
    headers['content-type'] = 'application/octet-stream'
}

/**
 * Accepts JSON as the only type of a body. Fastify reads text/plain too, which a page may send to any origin without a
 * preflight. An empty body counts as none, whatever its type.
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
  app.addContentTypeParser('*', ({ raw }, payload, done) => {
    const settle = (error: Error | null) => {
      payload.off('data', refuse).off('end', accept).off('error', settle)
      done(error, undefined)
    }
    const refuse = () => settle(new Problem('unsupported-media-type', 'The body must be application/json.'))
    const accept = () => settle(null)
    if (raw.headers['transfer-encoding'] === undefined) refuse()
    else payload.on('data', refuse).on('end', accept).on('error', settle)
  })
}

const unexpectedBody = () =>
  invalid('This operation takes no body.', [{ in: 'body', pointer: '', code: 'not-allowed', detail: 'must be absent' }])

const duplicateMember = () =>
  invalid('An object in the body has a duplicate member.', [
    { in: 'body', pointer: '', code: 'repeated', detail: 'has a duplicate member' }
  ])

const invalid = (detail: string, errors?: Fault[]) => new Problem('invalid-request', detail, errors && { errors })

/** Node takes the first of these headers and drops the others; another server may take the last (observed). */
const SINGULAR = ['authorization', 'content-type']

/** What Node accepts and a server in front of the gateway may read differently: the way to smuggle a request. */
const framingFault = ({ raw, originalUrl }: FastifyRequest, { allowsHttp10 }: Operation): Problem | undefined => {
  // Of almost every request no name is repeated: Node has read them all.
  const read = Object.keys(raw.headers)
  const names = read.length * 2 === raw.rawHeaders.length ? read : namesIn(raw.rawHeaders)
  const hosts = names.filter(name => name === 'host').length
  const isKnown = raw.httpVersion === '1.1' ? hosts === 1 : raw.httpVersion === '1.0' && allowsHttp10 && hosts <= 1
  if (!isKnown) return invalid('The request is not HTTP/1.1 with exactly one Host header.')
  if (!originalUrl.startsWith('/')) return new Problem('malformed-url', 'The request target is not a path.')
  const underscored = names.filter(name => name.includes('_'))
  if (underscored.length > 0) {
    return invalid('A header name contains an underscore.', underscored.slice(0, 100).map(underscoredHeader))
  }
  const repeated = SINGULAR.filter(name => names.indexOf(name) !== names.lastIndexOf(name))
  if (repeated.length > 0) return invalid('A header is given more than once.', repeated.map(repeatedHeader))
  const { 'transfer-encoding': encoding } = raw.headers
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') {
    return invalid('The only transfer coding that is accepted is `chunked`.')
  }
  return undefined
}

/** The names of the headers, which `rawHeaders` has in turn with their values. */
const namesIn = (rawHeaders: readonly string[]): string[] => {
  const names: string[] = []
  for (let place = 0; place < rawHeaders.length; place += 2) names.push((rawHeaders[place] ?? '').toLowerCase())
  return names
}

/** Some servers turn the underscore into a hyphen: a header that they should have removed would pass. */
const underscoredHeader = (name: string): Fault => ({
  in: 'header',
  parameter: name.slice(0, 256),
  code: 'not-allowed',
  detail: 'contains an underscore'
})

const repeatedHeader = (parameter: string): Fault => ({
  in: 'header',
  parameter,
  code: 'repeated',
  detail: 'is given more than once'
})

const assertTarget = (
  { originalUrl: target, query }: FastifyRequest,
  { refusesEmptyQuery, ignoresUnknownQuery }: Operation
): void => {
  if (target.length > MAX_URL_LENGTH) throw new Problem('uri-too-long', 'The URL is longer than 8 KiB.')
  // Fastify would cut the target here: a file named `a#b` would become `a`.
  if (target.includes('#')) throw new Problem('malformed-url', 'The URL contains `#`: encode it as %23.')
  // An empty query has no unknown parameter that the schema would refuse: a file named `a?` would become `a`.
  if (refusesEmptyQuery && /\?&*$/.test(target)) {
    throw new Problem('malformed-url', 'The URL ends in an empty query: encode a `?` of a name as %3F.')
  }
  if (!ignoresUnknownQuery && Object.hasOwn(query as object, UNREADABLE)) {
    throw new Problem('malformed-url', 'The query is not percent-encoded UTF-8.')
  }
}

const assertAcceptable = (request: FastifyRequest, { mediaTypes }: Operation): void => {
  if (mediaTypes.length === 0) return
  // The success of a deletion is empty: generated clients accept problems alone.
  const offered = request.method === 'DELETE' ? [...mediaTypes, PROBLEM_TYPE] : mediaTypes
  if (acceptedOf(request, offered) !== undefined) return
  throw new Problem('not-acceptable', `This operation answers in ${mediaTypes.join(' or ')}.`)
}
