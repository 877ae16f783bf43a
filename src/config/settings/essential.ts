import {
  baseUrl,
  host,
  list,
  oneOf,
  optional,
  proxy,
  redisUrl,
  type Setting,
  secretListSetting,
  secretSetting,
  setting,
  upstreamBase
} from '../setting.ts'

/** What every deployment sets or decides. */
export const essential = {
  environment: setting({
    name: 'NODE_ENV',
    description: '`production` refuses the sandbox and sets a `DRAIN_DELAY_MS`.',
    fallback: 'development',
    read: oneOf('development', 'test', 'production')
  }),
  upstreamUrl: setting({
    name: 'UPSTREAM_URL',
    description: 'Address of the folder of `s3.php` and `auth.php`; https, except on a loopback address.',
    fallback: '',
    defaultText: 'the embedded sandbox; must be set in production',
    read: optional(upstreamBase)
  }),
  publicUrl: setting({
    name: 'PUBLIC_URL',
    description: 'Address of the gateway for callers, with the mount path. It is the base of problem types.',
    fallback: '',
    defaultText: 'made from `HOST`, `PORT` and `BASE_PATH`, with http',
    read: optional(baseUrl)
  }),
  host: setting({
    name: 'HOST',
    description: 'Address of the public listener; `0.0.0.0` in the image.',
    fallback: '127.0.0.1',
    read: host
  }),
  trustProxy: setting({
    name: 'TRUST_PROXY',
    description:
      'Proxies whose `X-Forwarded-*` headers are trusted: IP addresses, CIDR networks, `loopback`, `linklocal` or `uniquelocal`, separated by commas.',
    fallback: '',
    defaultText: 'none',
    read: list(proxy)
  }),
  sessionSecret: secretListSetting({
    name: 'SESSION_SECRET',
    description:
      'Secrets that encrypt sessions, at least 32 bytes each, separated by commas. The first encrypts, all decrypt. To rotate, put the new secret first and keep the old one for 8 hours.',
    fallback: '',
    defaultText: 'random for each process; must be set in production'
  }),
  redisUrl: secretSetting({
    name: 'REDIS_URL',
    description:
      'Address of the Redis or Valkey that the replicas share, such as `redis://user:password@host:6379/0`; `rediss://` uses TLS.',
    fallback: '',
    defaultText: 'none',
    read: redisUrl
  }),
  dataDir: setting({
    name: 'DATA_DIR',
    description:
      'Folder of the SQLite files: the order ledger, unless it is in Redis, and the sessions of the store `sqlite`.',
    fallback: '.data',
    read: text => text
  })
} satisfies Record<string, Setting>
