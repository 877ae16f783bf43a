import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Caller } from '../../core/caller.ts'
import { isConditional } from '../answers.ts'
import { contextOf, needsOf } from '../route.ts'

/** The caller's own cache may keep the reply, and asks each time whether it still holds. */
const REVALIDATE = 'private, no-cache'

/** What of a request decides whose reply it is. */
const VARY = 'Authorization, Cookie, Origin'

/** 1 s: HOSTKEY answers in a tenth of that, or the reply does without. */
const PATIENCE_MS = 1000

/** Replies that can be compared have a version, and one that the caller has already is not sent again (RFC 9110, 13). */
export const conditional = fp(
  async (app: FastifyInstance) => {
    app.addHook('onSend', async (request, reply, payload) => {
      // A list in lines has no version: it is on its way before anybody knows its end.
      if (!isConditional(request) || reply.statusCode !== 200) return payload
      reply.header('vary', varyOf(request))
      if (typeof payload !== 'string') return payload
      const shown = request.headers['if-none-match']
      const tags = (await namesOf(contextOf(request).caller, shown !== undefined)).map(name => tagOf(name, payload))
      const had = tags.find(tag => isShown(shown, tag))
      reply.header('etag', had ?? tags[0])
      if (reply.getHeader('cache-control') === 'no-store') reply.header('cache-control', REVALIDATE)
      if (had === undefined) return payload
      reply.code(304).removeHeader('content-type')
      return null
    })
  },
  { name: 'conditional' }
)

const varyOf = ({ routeOptions }: FastifyRequest): string =>
  (needsOf(routeOptions.config)?.offers.length ?? 1) > 1 ? `Accept, ${VARY}` : VARY

/**
 * Names under which this caller may have got the reply, the lasting one first. Who shows a token is asked about at
 * HOSTKEY only when it compares versions: then a new token of the same customer finds the old version.
 */
const namesOf = async ({ authScheme, id, identity }: Caller, compares: boolean): Promise<string[]> => {
  if (authScheme !== 'bearer' || !compares) return [id]
  const { customerId } = await Promise.race([identity(), patience()]).catch(() => ({ customerId: undefined }))
  return customerId === undefined ? [id] : [`customer:${customerId}`, id]
}

const patience = (): Promise<{ customerId?: number }> =>
  new Promise(resolve => setTimeout(resolve, PATIENCE_MS, {}).unref())

/** Weak, so that it still holds when a proxy compresses the reply. */
const tagOf = (name: string, representation: string): string =>
  `W/"${createHash('sha256')
    .update(JSON.stringify([name, representation]))
    .digest('base64url')
    .slice(0, 22)}"`

/** `*` stands for any; else a list, compared weakly: with or without `W/`. */
const isShown = (shown: string | undefined, tag: string): boolean =>
  shown !== undefined && (shown.trim() === '*' || [...shown.matchAll(/"[^"]*"/g)].some(([one]) => `W/${one}` === tag))
