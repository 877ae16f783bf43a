import type { Config } from './config/config.ts'
import type { RedisConnection } from './store/index.ts'

/** How Redis is reached. */
export const redisOf = (config: Config): RedisConnection => ({
  url: config.redisUrl?.reveal(),
  username: config.redisUsername,
  password: config.redisPassword?.reveal(),
  sentinels: config.redisSentinels,
  sentinelMaster: config.redisSentinelMaster,
  sentinelUsername: config.redisSentinelUsername,
  sentinelPassword: config.redisSentinelPassword?.reveal(),
  ca: config.redisCa?.reveal(),
  certificate: config.redisCert?.reveal(),
  key: config.redisKey?.reveal(),
  timeoutMs: config.redisTimeoutMs
})

/** How HOSTKEY is reached. */
export const connectionOf = ({ httpsProxy, httpProxy, noProxy, upstreamCa, upstreamCert, upstreamKey }: Config) => ({
  proxies: { httpsProxy: httpsProxy?.reveal(), httpProxy: httpProxy?.reveal(), noProxy },
  tls: { ca: upstreamCa?.reveal(), cert: upstreamCert?.reveal(), key: upstreamKey?.reveal() }
})
