import { isUtf8 } from 'node:buffer'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { Pool } from 'undici'
import { Problem, type ProblemOptions } from '../../core/problem.ts'
import type { Stage, WireCause } from './failure-stage.ts'

/** 8 MiB: a hundred listed files fit in less than one; the vendor's own clients stop there too. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024

/** The one name under which the gateway speaks; default names of libraries are blocked by some edges (observed by others). */
const USER_AGENT = 'hostkey-s3-gateway/0.1'

const CONNECT_TIMEOUT_MS = 1000

export interface Exchange {
  script: string
  form: string
  /** A failure leaves it open what has happened. */
  isWrite: boolean
  /** Over a connection of its own. */
  newConnection: boolean
  /** Until the head of the reply is here. */
  headMs: number
  /** Aborts the call. */
  signal: AbortSignal
}

export interface Reply {
  status: number
  retryAfter: string | undefined
  /** Empty when it is not UTF-8: a replaced byte would make another name of a name. */
  body: string
}

export interface Transport {
  /**
   * Posts a form and reads the whole reply within the deadline. Follows no redirect.
   * @throws Problem upstream-unreachable (nothing was sent), upstream-timeout (also when broken off unanswered), upstream-bad-response
   */
  post(exchange: Exchange): Promise<Reply>
  close(): Promise<void>
}

export const createTransport = (url: URL): Transport => {
  const options = {
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeoutThreshold: 500,
    maxResponseSize: MAX_BODY_BYTES,
    allowH2: false
  }
  const reads = new Pool(url.origin, { ...options, connections: 64, pipelining: 1 })
  const fresh = new Pool(url.origin, { ...options, connections: 24, pipelining: 0 })
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`

  return {
    async post({ script, form, isWrite, newConnection, headMs, signal }) {
      let hasBegun = false
      try {
        const reply = await (newConnection ? fresh : reads).request({
          path: `${base}${script}`,
          method: 'POST',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            accept: 'application/json',
            'user-agent': USER_AGENT
          },
          body: form,
          headersTimeout: headMs,
          signal
        })
        hasBegun = true
        if (Number(reply.headers['content-length']) > MAX_BODY_BYTES) {
          reply.body.on('error', () => undefined).destroy()
          throw new Error('announced too large')
        }
        const encoding = reply.headers['content-encoding']
        const bytes = await decoded(Buffer.from(await reply.body.arrayBuffer()), [encoding].flat()[0])
        return {
          status: reply.statusCode,
          retryAfter: [reply.headers['retry-after']].flat()[0],
          body: isUtf8(bytes) ? bytes.toString('utf8') : ''
        }
      } catch (error) {
        throw failureOf(error, { isAborted: signal.aborted, hasBegun, isWrite })
      }
    },
    async close() {
      await Promise.all([reads.close(), fresh.close()])
    }
  }
}

const decoders: Record<string, (bytes: Buffer) => Promise<Buffer>> = {
  gzip: bytes => promisify(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  'x-gzip': bytes => promisify(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  deflate: bytes => promisify(inflate)(bytes, { maxOutputLength: MAX_BODY_BYTES }),
  br: bytes => promisify(brotliDecompress)(bytes, { maxOutputLength: MAX_BODY_BYTES })
}

/** We ask for no compression; a server in between may compress all the same. */
const decoded = async (bytes: Buffer, encoding = 'identity'): Promise<Buffer> => {
  const name = encoding.trim().toLowerCase()
  if (name === 'identity' || name === '') return bytes
  const decode = decoders[name]
  if (!decode) throw new Error(`content-encoding ${name.slice(0, 20)}`)
  return decode(bytes)
}

/** Codes that prove that nothing was sent. Every other failure leaves it open. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
])

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

/** The connection broke off once the request was on its way. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** undici gives the same code to a reply that it cannot take, such as 101: that is an answer. */
const isBrokenOff = (error: unknown, code: string): boolean =>
  BROKEN.has(code) && !(error instanceof Error && /^bad (response|upgrade)$/.test(error.message))

const codeOf = (error: unknown): string => {
  if (typeof error !== 'object' || error === null || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

interface Circumstances {
  /** The deadline has passed, or the caller has hung up. */
  isAborted: boolean
  /** The head of the reply was here. */
  hasBegun: boolean
  isWrite: boolean
}

const failureOf = (error: unknown, { isAborted, hasBegun, isWrite }: Circumstances): Problem => {
  const code = codeOf(error) || (error instanceof Error ? error.name : 'unknown')
  // undici's messages never hold the form; its code is all that goes into the log.
  const failed = (stage: Stage): ProblemOptions => ({
    cause: { code, stage } satisfies WireCause,
    ...(isWrite && { outcome: stage === 'not-sent' ? ('not-applied' as const) : ('unknown' as const) })
  })
  if (NOT_SENT.has(code)) {
    return new Problem('upstream-unreachable', 'HOSTKEY could not be reached; nothing was sent.', failed('not-sent'))
  }
  if (isAborted || TIMEOUTS.has(code)) {
    return new Problem('upstream-timeout', 'HOSTKEY did not answer in time.', failed('ambiguous'))
  }
  const isBroken = isBrokenOff(error, code)
  if (isBroken && !hasBegun) {
    return new Problem('upstream-timeout', 'HOSTKEY broke off the connection without an answer.', failed('early'))
  }
  const detail = 'HOSTKEY’s answer cannot be read, or is not whole.'
  return new Problem('upstream-bad-response', detail, failed(isBroken ? 'early' : 'ambiguous'))
}
