import type { ConnectionOptions } from 'node:tls'
import type { RedisOptions } from 'ioredis'
import { PREFIX } from './redis-scripts.ts'
import { CONNECT_MS, CONNECT_TLS_MS, COUNTER_MS, SOCKET_TIMEOUT_MS } from './redis-timeouts.ts'

/** The constructor of the client takes no undefined `replyMapping`. */
export type ClientOptions = Omit<RedisOptions, 'replyMapping'>

/** How to reach Redis, as the settings say it. */
export interface RedisConnection {
  /** `redis://` or `rediss://`; with sentinels its host is not used. */
  url: string | undefined
  /** Instead of those in the URL. */
  username: string | undefined
  password: string | undefined
  sentinels: readonly { host: string; port: number }[]
  sentinelMaster: string
  sentinelUsername: string | undefined
  sentinelPassword: string | undefined
  /** Certificates and key in PEM form. */
  ca: string | undefined
  certificate: string | undefined
  key: string | undefined
  /** Time-out of a command, milliseconds. */
  timeoutMs: number
}

const DEFAULT_PORT = 6379

const decoded = (text: string): string | undefined => (text === '' ? undefined : decodeURIComponent(text))

/** What the client needs: the server or the sentinels, the credentials, TLS, and the number of the database. */
export const clientOptionsOf = (connection: RedisConnection): ClientOptions => {
  const url = connection.url === undefined ? undefined : new URL(connection.url)
  const { ca, certificate: cert, key } = connection
  const tls: ConnectionOptions | undefined =
    url?.protocol === 'rediss:' ? { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } : undefined
  const username = connection.username ?? decoded(url?.username ?? '')
  const password = connection.password ?? decoded(url?.password ?? '')
  const { sentinelUsername, sentinelPassword } = connection
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    db: Number(url?.pathname.slice(1) ?? 0),
    ...(tls && { tls }),
    ...(connection.sentinels.length === 0
      ? { host: hostOf(url), port: Number(url?.port || DEFAULT_PORT) }
      : {
          sentinels: connection.sentinels.map(each => ({ ...each })),
          name: connection.sentinelMaster,
          ...(sentinelUsername !== undefined && { sentinelUsername }),
          ...(sentinelPassword !== undefined && { sentinelPassword }),
          ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: tls })
        })
  }
}

/** Without the brackets of an IPv6 address. */
const hostOf = (url: URL | undefined): string => url?.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1'

/** The options of the store's client: it must notice an outage soon. */
export const storeOptionsOf = (connection: RedisConnection): ClientOptions => {
  const { timeoutMs } = connection
  const connectOptions = clientOptionsOf(connection)
  return {
    ...connectOptions,
    connectTimeout: Math.max(connectOptions.tls ? CONNECT_TLS_MS : CONNECT_MS, timeoutMs),
    disconnectTimeout: COUNTER_MS,
    socketTimeout: Math.max(connectOptions.tls ? CONNECT_TLS_MS : SOCKET_TIMEOUT_MS, timeoutMs + COUNTER_MS),
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    enableReadyCheck: true,
    maxLoadingRetryTime: 100,
    retryStrategy: retryDelay,
    sentinelRetryStrategy: retryDelay,
    sentinelCommandTimeout: timeoutMs,
    // After a failover the old master is a read-only replica, and its host name resolves to the new master.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
    keyPrefix: PREFIX
  }
}

const RETRY_MS = { min: 50, max: 100 }

/** At once for a connection that was lost, then after pauses. */
const retryDelay = (attempts: number): number =>
  attempts <= 1 ? 0 : RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min)

/** The server in a message: it holds no credential. */
export const nameOf = ({ url, sentinels, sentinelMaster }: RedisConnection): string => {
  if (sentinels.length > 0) return `Redis (master ${sentinelMaster})`
  const { protocol, hostname, port } = new URL(url ?? 'redis://127.0.0.1')
  return `Redis at ${hostname}:${port || DEFAULT_PORT}${protocol === 'rediss:' ? ' with TLS' : ''}`
}
