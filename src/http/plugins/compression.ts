import { pipeline, Readable } from 'node:stream'
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { holdsSecret } from '../../../schemas/secrets.ts'
import { routeOf } from '../operation.ts'

/** 1 KiB: a smaller reply fits into one packet anyway. */
const MIN_LENGTH = 1024

/** Brotli at 4 takes about as long as gzip at its default; its own default, 11, takes a hundred times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

type Coding = 'br' | 'gzip'
type Done = (error: Error | null, compressed: Buffer) => void

/** Compresses a text, in a thread of the pool. */
export const compress = (coding: Coding, text: string, done: Done): void =>
  coding === 'br' ? brotliCompress(text, BROTLI, done) : gzip(text, done)

/** Passes on each line at once. */
const createCompressor = (coding: Coding) =>
  coding === 'br'
    ? createBrotliCompress({ ...BROTLI, flush: constants.BROTLI_OPERATION_FLUSH })
    : createGzip({ flush: constants.Z_SYNC_FLUSH })

/** The coding that the client prefers; undefined when it accepts none. */
export const codingOf = (request: FastifyRequest): Coding | undefined => {
  if (request.headers['accept-encoding'] === undefined) return undefined
  const coding = request.accepts().encoding(['br', 'gzip', 'identity'])
  return coding === 'br' || coding === 'gzip' ? coding : undefined
}

/** Notes that a cache must keep the codings of a reply apart. */
export const varyByCoding = (reply: FastifyReply): void => {
  const vary = reply.getHeader('vary')
  if (vary === undefined) reply.header('vary', 'Accept-Encoding')
  // `conditional` names it with the others.
  else if (!String(vary).includes('Accept-Encoding')) reply.header('vary', `${vary}, Accept-Encoding`)
}

/**
 * Compresses JSON for clients that ask for it, and never a reply that holds a credential: its length would depend on the
 * credential, and on what a page makes the browser send. Registered after `conditional`, which needs the text.
 */
export const compression = fp(
  async (app: FastifyInstance) => {
    const secret = new Set<string>()
    app.addHook('onRoute', ({ url, schema }) => {
      if (holdsSecret(schema?.response)) secret.add(url)
    })
    app.addHook('onSend', (request, reply, payload, done) => {
      const isLines = payload instanceof Readable
      if (!isLines && !(typeof payload === 'string' && payload.length >= MIN_LENGTH)) return done()
      if (secret.has(routeOf(request).url ?? '') || reply.hasHeader('set-cookie')) return done()
      varyByCoding(reply)
      const coding = codingOf(request)
      if (coding === undefined) return done()
      reply.header('content-encoding', coding).removeHeader('content-length')
      if (!isLines) return compress(coding, payload, done)
      // An error destroys the compressor, which Fastify watches.
      return done(
        null,
        pipeline(payload, createCompressor(coding), () => undefined)
      )
    })
  },
  { name: 'compression' }
)
