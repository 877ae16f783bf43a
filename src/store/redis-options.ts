import type { ConnectionOptions } from 'node:tls'
import type { RedisOptions } from 'ioredis'

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

/** The server in a message: it holds no credential. */
export const nameOf = ({ url, sentinels, sentinelMaster }: RedisConnection): string => {
  if (sentinels.length > 0) return `Redis (master ${sentinelMaster})`
  const { protocol, hostname, port } = new URL(url ?? 'redis://127.0.0.1')
  return `Redis at ${hostname}:${port || DEFAULT_PORT}${protocol === 'rediss:' ? ' with TLS' : ''}`
}
