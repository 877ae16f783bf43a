import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Caller } from '../../core/caller.ts'
import { routeOf } from '../operation.ts'
import { contextOf } from '../route.ts'
import { isMatch, VERSION, versionOf } from '../versions.ts'

/** The caller's own cache may keep the reply, and revalidates it for each use. */
const REVALIDATE = 'private, no-cache'

/** The request headers on which every reply depends. */
const VARY = 'Authorization, Cookie, Origin, Accept-Encoding'

/** 1 s: HOSTKEY usually answers in a tenth of that. After it the reply is sent without the customer's version. */
const IDENTITY_TIMEOUT_MS = 1000

/** Gives replies a version, and answers 304 when the caller has that version already (RFC 9110, section 13). */
export const conditional = fp(
  async (app: FastifyInstance) => {
    app.decorateRequest(VERSION)
    app.addHook('onSend', (request, reply, payload, done) => {
      if (!routeOf(request).isConditional || reply.statusCode !== 200) return done()
      reply.header('vary', VARY)
      if (typeof payload !== 'string') return done()
      if (reply.getHeader('cache-control') === 'no-store') reply.header('cache-control', REVALIDATE)
      const { caller } = contextOf(request)
      const ifNoneMatch = request.headers['if-none-match']
      const answer = (tag: string, isKnown: boolean) => {
        reply.header('etag', tag)
        if (!isKnown) return done()
        reply.code(304).removeHeader('content-type')
        return done(null, null)
      }
      // A long list has it already.
      const version = request.getDecorator<string | undefined>(VERSION) ?? payload
      const tag = tagOf(caller.id, version)
      if (ifNoneMatch === undefined) return answer(tag, false)
      if (isMatch(ifNoneMatch, tag)) return answer(tag, true)
      lastingNameOf(caller)
        .then(name => tagOf(name, version))
        .then(lasting => answer(lasting, isMatch(ifNoneMatch, lasting)))
        .catch(done)
    })
  },
  { name: 'conditional' }
)

/**
 * The name of the caller that a new token does not change: the customer of a bearer token is looked up at HOSTKEY, and only
 * when the request has another version, which may be that of an earlier token.
 */
const lastingNameOf = async (caller: Caller): Promise<string> => {
  const { authScheme, id } = caller
  if (authScheme !== 'bearer') return id
  const { customerId } = await Promise.race([caller.identity(), timeout()]).catch(() => ({ customerId: undefined }))
  return customerId === undefined ? id : `customer:${customerId}`
}

const timeout = (): Promise<{ customerId?: number }> =>
  new Promise(resolve => setTimeout(resolve, IDENTITY_TIMEOUT_MS, {}).unref())

/** Weak, so that it still holds when a proxy compresses the reply. */
const tagOf = (name: string, version: string): string => `W/"${versionOf(`${name}\n${version}`)}"`
