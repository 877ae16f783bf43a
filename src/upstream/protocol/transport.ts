import { isUtf8 } from 'node:buffer'
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici'
import { nextTurn } from '../../core/turns.ts'
import { createConnector } from './connector.ts'
import { decompress } from './decompression.ts'
import { type ExchangeOptions, exchange, type RawReply } from './exchange.ts'
import { createLargeReplies, LARGE_BYTES, type LargeReplies } from './large-replies.ts'
import { transportProblem } from './transport-failures.ts'

/** The only User-Agent that the gateway sends. Some proxies block the default names of HTTP libraries (observed elsewhere). */
const USER_AGENT = 'hostkey-s3-gateway/0.1'

const HEADERS = {
  'content-type': 'application/x-www-form-urlencoded',
  accept: 'application/json',
  'user-agent': USER_AGENT
}

const CONNECT_TIMEOUT_MS = 1000

/** 3 s: a proxy looks up and connects to HOSTKEY before it answers CONNECT. */
const TUNNEL_TIMEOUT_MS = 3000

/** How connections to HOSTKEY are made; by default directly, with the authorities of Node.js. */
export interface ConnectionOptions {
  /** Outbound proxies and the hosts that bypass them, as the variables of the same names hold them. Used for https only. */
  proxies?: { httpsProxy: string | undefined; httpProxy: string | undefined; noProxy: string }
  /** PEM: authorities, and the certificate and key that the gateway shows. */
  tls?: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined }
}

export interface UpstreamRequest extends ExchangeOptions {
  /** Over which connections; see `ConnectionKind`. */
  connection: keyof Connections
  /** Longest wait for the status and headers of the reply. */
  headersTimeoutMs: number
}

export interface Reply {
  status: number
  retryAfter: string | undefined
  /** The clock of the sender. */
  date?: string | undefined
  /** Gives up the place of a large reply; to be called once it is processed. */
  release?: (() => void) | undefined
  /** Empty when it is not UTF-8: replacing a byte could change the name of a file. */
  body: string
}

export interface Transport {
  /**
   * Posts a form and reads the whole reply. Follows no redirect.
   * @throws Problem upstream-unreachable (nothing was sent), upstream-timeout (no answer in time, or a lost connection),
   * upstream-bad-response
   */
  post(script: string, form: string, options: UpstreamRequest): Promise<Reply>
  close(): Promise<void>
}

/** Connections of each kind, at most at the same time. */
export interface Connections {
  kept: number
  recent: number
  new: number
}

/**
 * 250 ms: a connection that has been idle for longer carries no write. Servers keep idle ones for seconds, and announce the
 * end of busy ones in their last reply. undici first reads what has come meanwhile, such as the end of the connection.
 */
const RECENT_MS = 250

export const createTransport = (
  url: URL,
  connections: Connections = { kept: 64, recent: 16, new: 24 },
  connection: ConnectionOptions = {},
  largeReplies: LargeReplies = createLargeReplies()
): Transport => {
  const pools = {
    kept: createDispatcher(url, connection, { connections: connections.kept, pipelining: 1 }),
    recent: createDispatcher(url, connection, {
      connections: connections.recent,
      pipelining: 1,
      keepAliveTimeout: RECENT_MS,
      keepAliveMaxTimeout: RECENT_MS
    }),
    // undici closes a connection after each request when pipelining is 0.
    new: createDispatcher(url, connection, { connections: connections.new, pipelining: 0 })
  }
  const base = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`

  return {
    post(script, form, options) {
      const request = {
        origin: url.origin,
        path: `${base}${script}`,
        method: 'POST' as const,
        headers: HEADERS,
        body: form,
        headersTimeout: options.headersTimeoutMs,
        // The same, so that undici keeps its timer: the deadline is what ends a slow body.
        bodyTimeout: options.headersTimeoutMs
      }
      return exchange(pools[options.connection], largeReplies, request, options, readReply)
    },
    async close() {
      await Promise.all(Object.values(pools).map(pool => pool.close()))
    }
  }
}

/** Reads the body: at once where it is small and not compressed, as most are. */
const readReply = (raw: RawReply, options: ExchangeOptions): Reply | Promise<Reply> =>
  raw.release === undefined && raw.headers['content-encoding'] === undefined
    ? replyOf(raw, joined(raw.chunks))
    : readLarge(raw, options)

const readLarge = async (raw: RawReply, { isWrite, maxReplyBytes }: ExchangeOptions): Promise<Reply> => {
  const { headers, chunks, release } = raw
  if (release) await nextTurn()
  const bytes = joined(chunks)
  const encoding = firstOf(headers['content-encoding'])
  const refuse = (error: unknown) => {
    release?.()
    throw transportProblem(error, { progress: 'answering', isWrite })
  }
  const text = encoding === undefined ? bytes : await decompress(bytes, encoding, maxReplyBytes).catch(refuse)
  if (text.length > LARGE_BYTES) await nextTurn()
  return replyOf(raw, text)
}

const replyOf = ({ status, headers, release }: RawReply, text: Buffer): Reply => ({
  status,
  retryAfter: firstOf(headers['retry-after']),
  date: firstOf(headers['date']),
  release,
  body: isUtf8(text) ? text.toString('utf8') : ''
})

/** Most replies come in one piece: it is not copied. */
const joined = (chunks: Buffer[]): Buffer => {
  const [first] = chunks
  return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks)
}

/** The connections of one kind: direct ones, or tunnels through the proxy that is set for the address. */
const createDispatcher = (url: URL, { proxies, tls }: ConnectionOptions, pool: Pool.Options): Dispatcher => {
  const options = { ...pool, keepAliveTimeoutThreshold: 500, allowH2: false }
  const direct = { ...tls, timeout: CONNECT_TIMEOUT_MS, allowH2: false }
  const connect = tls?.cert ? createConnector(direct) : direct
  const hasProxy = url.protocol === 'https:' && (proxies?.httpsProxy || proxies?.httpProxy)
  if (!hasProxy) return new Pool(url.origin, { ...options, connect })
  return new EnvHttpProxyAgent({
    ...options,
    connect,
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTls: { ...tls },
    clientFactory: (origin, proxyOptions) =>
      new Pool(origin, { ...proxyOptions, headersTimeout: TUNNEL_TIMEOUT_MS, allowH2: false }),
    // An empty text, so that undici reads no environment variable.
    httpsProxy: proxies?.httpsProxy ?? '',
    httpProxy: proxies?.httpProxy ?? '',
    noProxy: proxies?.noProxy ?? ''
  })
}

/** The value of a header, the first if it was sent several times. */
const firstOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)
