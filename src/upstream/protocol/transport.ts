import { isUtf8 } from 'node:buffer'
import { Pool } from 'undici'
import { decompress, MAX_BODY_BYTES } from './decompression.ts'
import { type ExchangeOptions, exchange } from './exchange.ts'
import { transportProblem } from './transport-failures.ts'

/** The only User-Agent that the gateway sends. Some proxies block the default names of HTTP libraries (observed elsewhere). */
const USER_AGENT = 'hostkey-s3-gateway/0.1'

const HEADERS = {
  'content-type': 'application/x-www-form-urlencoded',
  accept: 'application/json',
  'user-agent': USER_AGENT
}

const CONNECT_TIMEOUT_MS = 1000

export interface UpstreamRequest extends ExchangeOptions {
  script: string
  form: string
  /** Opens a connection for this request alone. */
  newConnection: boolean
  /** Longest wait for the status and headers of the reply. */
  headersTimeoutMs: number
}

export interface Reply {
  status: number
  retryAfter: string | undefined
  /** Empty when it is not UTF-8: replacing a byte could change the name of a file. */
  body: string
}

export interface Transport {
  /**
   * Posts a form and reads the whole reply. Follows no redirect.
   * @throws Problem upstream-unreachable (nothing was sent), upstream-timeout (no answer in time, or a lost connection),
   * upstream-bad-response
   */
  post(request: UpstreamRequest): Promise<Reply>
  close(): Promise<void>
}

export const createTransport = (url: URL): Transport => {
  const options = {
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeoutThreshold: 500,
    maxResponseSize: MAX_BODY_BYTES,
    allowH2: false
  }
  const reused = new Pool(url.origin, { ...options, connections: 64, pipelining: 1 })
  // undici closes a connection after each request when pipelining is 0.
  const singleUse = new Pool(url.origin, { ...options, connections: 24, pipelining: 0 })
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`

  return {
    async post({ script, form, newConnection, headersTimeoutMs, ...options }) {
      const request = {
        path: `${base}${script}`,
        method: 'POST' as const,
        headers: HEADERS,
        body: form,
        headersTimeout: headersTimeoutMs
      }
      const { status, headers, bytes } = await exchange(newConnection ? singleUse : reused, request, options)
      const text = await decompress(bytes, firstOf(headers['content-encoding'])).catch(error => {
        throw transportProblem(error, { hasHeaders: true, isWrite: options.isWrite })
      })
      return {
        status,
        retryAfter: firstOf(headers['retry-after']),
        body: isUtf8(text) ? text.toString('utf8') : ''
      }
    },
    async close() {
      await Promise.all([reused.close(), singleUse.close()])
    }
  }
}

/** The value of a header, the first if it was sent several times. */
const firstOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
