import {
  flag,
  hostAndPort,
  integer,
  list,
  oneOf,
  optional,
  pem,
  type Setting,
  secretSetting,
  setting
} from '../setting.ts'

/** Store of sessions and orders. */
export const store = {
  sessionStore: setting({
    name: 'SESSION_STORE',
    description:
      'Store of sessions, rate limits and login locks: `memory` of the process, a `sqlite` file on the host, or `redis` for several replicas.',
    fallback: '',
    defaultText: '`redis` when `REDIS_URL` is set, `sqlite` with more than one of `WORKERS`, otherwise `memory`',
    read: optional(oneOf('memory', 'sqlite', 'redis'))
  }),
  redisUsername: setting({
    name: 'REDIS_USERNAME',
    description: 'User of Redis, instead of the one in `REDIS_URL`.',
    fallback: '',
    defaultText: 'the one in `REDIS_URL`',
    read: optional(text => text)
  }),
  redisPassword: secretSetting({
    name: 'REDIS_PASSWORD',
    description: 'Password of Redis, instead of the one in `REDIS_URL`; any character is allowed.',
    fallback: '',
    defaultText: 'the one in `REDIS_URL`',
    read: text => text
  }),
  redisSentinels: setting({
    name: 'REDIS_SENTINELS',
    description:
      'Sentinels that know the master, such as `10.0.0.1:26379,10.0.0.2:26379`. Credentials, TLS and the database come from `REDIS_URL`, whose host is not used.',
    fallback: '',
    defaultText: 'none',
    read: list(hostAndPort(26_379))
  }),
  redisSentinelMaster: setting({
    name: 'REDIS_SENTINEL_MASTER',
    description: 'Name of the master at the sentinels.',
    fallback: 'mymaster',
    read: text => text
  }),
  redisSentinelUsername: setting({
    name: 'REDIS_SENTINEL_USERNAME',
    description: 'User of the sentinels.',
    fallback: '',
    defaultText: 'none',
    read: optional(text => text)
  }),
  redisSentinelPassword: secretSetting({
    name: 'REDIS_SENTINEL_PASSWORD',
    description: 'Password of the sentinels.',
    fallback: '',
    defaultText: 'none',
    read: text => text
  }),
  redisCa: secretSetting({
    name: 'REDIS_CA',
    description:
      'Certificates of the authorities that may sign the certificate of Redis, in PEM. They replace those of Node.js.',
    fallback: '',
    defaultText: 'those of Node.js',
    read: pem
  }),
  redisCert: secretSetting({
    name: 'REDIS_CERT',
    description: 'Certificate, with its chain, that the gateway shows to Redis, in PEM.',
    fallback: '',
    defaultText: 'none',
    read: pem
  }),
  redisKey: secretSetting({
    name: 'REDIS_KEY',
    description: 'Private key of `REDIS_CERT`, in PEM, not encrypted.',
    fallback: '',
    defaultText: 'none',
    read: pem
  }),
  redisTimeoutMs: setting({
    name: 'REDIS_TIMEOUT_MS',
    description:
      'Time-out of a command to Redis, in ms. After it the request that needs the answer gets 503; a rate limit waits 50 ms, then the replica counts alone.',
    fallback: '250',
    read: integer(50, 10_000)
  }),
  redisPlaintext: setting({
    name: 'REDIS_PLAINTEXT',
    description:
      '`true` allows Redis without TLS on another host in production: in a network in which nobody else can listen.',
    fallback: 'false',
    read: flag
  })
} satisfies Record<string, Setting>
