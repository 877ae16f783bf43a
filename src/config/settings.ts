import {
  baseUrl,
  flag,
  host,
  hostAndPort,
  integer,
  list,
  mountPath,
  oneOf,
  optional,
  origin,
  pem,
  proxy,
  proxyUrl,
  redisUrl,
  type Setting,
  secretListSetting,
  secretSetting,
  setting,
  upstreamBase
} from './setting.ts'

/** Every setting, in the order of the reference page. A new setting needs only an entry here. */
export const settings = {
  environment: setting({
    name: 'NODE_ENV',
    description: '`production` refuses the sandbox and sets a `DRAIN_DELAY_MS`.',
    fallback: 'development',
    read: oneOf('development', 'test', 'production')
  }),
  port: setting({
    name: 'PORT',
    description: 'Port of the public listener; 0 chooses a free port.',
    fallback: '8080',
    read: integer(0, 65_535)
  }),
  host: setting({
    name: 'HOST',
    description: 'Address of the public listener; `0.0.0.0` in the image.',
    fallback: '127.0.0.1',
    read: host
  }),
  managementPort: setting({
    name: 'MANAGEMENT_PORT',
    description: 'Port of `/metrics`, `/livez` and `/readyz` on `MANAGEMENT_HOST`; 0 chooses a free port.',
    fallback: '9090',
    read: integer(0, 65_535)
  }),
  workers: setting({
    name: 'WORKERS',
    description:
      'Number of processes that serve the port, such as one for each core. With more than one, sessions and limits are in SQLite (the default then) or Redis; caches, slots for HOSTKEY and circuit breakers are those of each process; each writes an audit log of its own, `audit-1.log` for `audit.log`.',
    fallback: '1',
    read: integer(1, 64)
  }),
  managementHost: setting({
    name: 'MANAGEMENT_HOST',
    description:
      'Address of the management listener, which needs no credential. Set it to an address of the pod, or to `0.0.0.0`, when the probes of a kubelet or a Prometheus come from another machine; never expose the port to the internet.',
    fallback: '127.0.0.1',
    read: host
  }),
  keepAliveTimeoutMs: setting({
    name: 'KEEP_ALIVE_TIMEOUT_MS',
    description:
      'How long the public listener keeps an idle connection open, in ms. It must be longer than the load balancer keeps it: 600000 for most clouds need 620000 here.',
    fallback: '65000',
    read: integer(1000, 3_600_000)
  }),
  maxConnectionsPerAddress: setting({
    name: 'MAX_CONNECTIONS_PER_ADDRESS',
    description:
      'Connections that one client address, or one IPv6 network of 64 bits, may hold on a public listener, of 2000 in all. Further ones are closed. Proxies in `TRUST_PROXY`, and a `HOST` on loopback, have no such limit.',
    fallback: '500',
    read: integer(1, 2000)
  }),
  basePath: setting({
    name: 'BASE_PATH',
    description: 'Path at which the gateway is mounted, such as `/storage`.',
    fallback: '',
    read: mountPath
  }),
  publicUrl: setting({
    name: 'PUBLIC_URL',
    description: 'Address of the gateway for callers, with the mount path. It is the base of problem types.',
    fallback: '',
    defaultText: 'made from `HOST`, `PORT` and `BASE_PATH`, with http',
    read: optional(baseUrl)
  }),
  upstreamUrl: setting({
    name: 'UPSTREAM_URL',
    description: 'Address of the folder of `s3.php` and `auth.php`; https, except on a loopback address.',
    fallback: '',
    defaultText: 'the embedded sandbox; must be set in production',
    read: optional(upstreamBase)
  }),
  upstreamTimeoutMs: setting({
    name: 'UPSTREAM_TIMEOUT_MS',
    description: 'Deadline of every call to HOSTKEY, in ms. It replaces the deadlines of all call classes.',
    fallback: '',
    defaultText: '10 s to 60 s, by call class',
    read: optional(integer(100, 300_000))
  }),
  httpsProxy: secretSetting({
    name: 'HTTPS_PROXY',
    alias: 'https_proxy',
    description:
      'Proxy through which HOSTKEY is called, such as `http://user:password@proxy.example:3128`; `https_proxy` wins over it. Never used for a `UPSTREAM_URL` with http, such as the sandbox.',
    fallback: '',
    defaultText: '`HTTP_PROXY`',
    read: proxyUrl
  }),
  httpProxy: secretSetting({
    name: 'HTTP_PROXY',
    alias: 'http_proxy',
    description: 'The same; used when `HTTPS_PROXY` is unset.',
    fallback: '',
    defaultText: 'none',
    read: proxyUrl
  }),
  noProxy: setting({
    name: 'NO_PROXY',
    alias: 'no_proxy',
    description:
      'Hosts that are called without the proxy: names, which include their subdomains, addresses, each with an optional port, or `*`, separated by commas.',
    fallback: '',
    defaultText: 'none',
    read: text => text
  }),
  upstreamCa: secretSetting({
    name: 'UPSTREAM_CA',
    description:
      'Certificates of the authorities that may sign the certificate of HOSTKEY, in PEM. They replace those of Node.js.',
    fallback: '',
    defaultText: 'those of Node.js',
    read: pem
  }),
  upstreamCert: secretSetting({
    name: 'UPSTREAM_CERT',
    description: 'Certificate, with its chain, that the gateway shows to HOSTKEY or to a proxy in front of it, in PEM.',
    fallback: '',
    defaultText: 'none',
    read: pem
  }),
  upstreamKey: secretSetting({
    name: 'UPSTREAM_KEY',
    description: 'Private key of `UPSTREAM_CERT`, in PEM, not encrypted.',
    fallback: '',
    defaultText: 'none',
    read: pem
  }),
  rateLimitMax: setting({
    name: 'RATE_LIMIT_MAX',
    description: 'Requests of one caller in a window. The stricter limits of single operations scale with it.',
    fallback: '600',
    read: integer(1, 1_000_000)
  }),
  deleteRateLimitMax: setting({
    name: 'DELETE_RATE_LIMIT_MAX',
    description: 'Deletions of one caller in a window.',
    fallback: '',
    defaultText: 'a tenth of `RATE_LIMIT_MAX`',
    read: optional(integer(1, 1_000_000))
  }),
  loginRateLimitMax: setting({
    name: 'LOGIN_RATE_LIMIT_MAX',
    description:
      'Failed logins of one network in a window, and logins of one account from it. In 60 windows an account may fail twice as often from one network, and 20 times as often from all networks.',
    fallback: '',
    defaultText: 'a 120th of `RATE_LIMIT_MAX`',
    read: optional(integer(1, 1_000_000))
  }),
  rateLimitWindowMs: setting({
    name: 'RATE_LIMIT_WINDOW_MS',
    description: 'Length of the window, in ms.',
    fallback: '60000',
    read: integer(1000, 3_600_000)
  }),
  trustProxy: setting({
    name: 'TRUST_PROXY',
    description:
      'Proxies whose `X-Forwarded-*` headers are trusted: IP addresses, CIDR networks, `loopback`, `linklocal` or `uniquelocal`, separated by commas.',
    fallback: '',
    defaultText: 'none',
    read: list(proxy)
  }),
  allowedOrigins: setting({
    name: 'ALLOWED_ORIGINS',
    description:
      'Exact origins of the web pages and apps that may call the gateway, separated by commas, such as `https://console.example.com` or `capacitor://localhost`.',
    fallback: '',
    defaultText: 'none',
    read: list(origin)
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    description: 'Lowest level that is logged.',
    fallback: 'info',
    read: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
  }),
  drainDelayMs: setting({
    name: 'DRAIN_DELAY_MS',
    description:
      'How long a stopping gateway keeps serving while `/readyz` answers 503, in ms. It must be longer than the load balancer needs to react.',
    fallback: '',
    defaultText: '5000 in production, otherwise 0',
    read: optional(integer(0, 60_000))
  }),
  drainGraceMs: setting({
    name: 'DRAIN_GRACE_MS',
    description:
      'How long a stopping gateway then waits for requests in flight, in ms. 5 s before the end, requests that have sent no write get 503. The orchestrator must wait longer than `DRAIN_DELAY_MS` and this together.',
    fallback: '60000',
    read: integer(100, 600_000)
  }),
  sessionSecret: secretListSetting({
    name: 'SESSION_SECRET',
    description:
      'Secrets that encrypt sessions, at least 32 bytes each, separated by commas. The first encrypts, all decrypt. To rotate, put the new secret first and keep the old one for 8 hours.',
    fallback: '',
    defaultText: 'random for each process; must be set in production'
  }),
  sessionStore: setting({
    name: 'SESSION_STORE',
    description:
      'Store of sessions, rate limits and login locks: `memory` of the process, a `sqlite` file on the host, or `redis` for several replicas.',
    fallback: '',
    defaultText: '`redis` when `REDIS_URL` is set, `sqlite` with more than one of `WORKERS`, otherwise `memory`',
    read: optional(oneOf('memory', 'sqlite', 'redis'))
  }),
  redisUrl: secretSetting({
    name: 'REDIS_URL',
    description:
      'Address of the Redis or Valkey that the replicas share, such as `redis://user:password@host:6379/0`; `rediss://` uses TLS.',
    fallback: '',
    defaultText: 'none',
    read: redisUrl
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
  }),
  replicasHint: setting({
    name: 'REPLICAS_HINT',
    description:
      'Number of replicas that share the store. While the store is down, each replica counts alone and allows this fraction of every limit, but at least one request.',
    fallback: '',
    defaultText: '2 when the store is `redis`, otherwise 1; times `WORKERS`',
    read: optional(integer(1, 1000))
  }),
  dataDir: setting({
    name: 'DATA_DIR',
    description:
      'Folder of the SQLite files: the order ledger, unless it is in Redis, and the sessions of the store `sqlite`.',
    fallback: '.data',
    read: text => text
  }),
  orderLateExecutionWindowMs: setting({
    name: 'ORDER_LATE_EXECUTION_WINDOW_MS',
    description:
      'How long HOSTKEY may take to execute an order whose answer was lost, in ms. After this time a missing account is assumed never to appear.',
    fallback: '30000',
    read: integer(0, 3_600_000)
  }),
  orderLeaseMs: setting({
    name: 'ORDER_LEASE_MS',
    description:
      'Length of the lease on an order that a replica works on, in ms. The replica renews it while it lives; when it has ended, a retry of the request takes the order over after this time.',
    fallback: '10000',
    read: integer(500, 3_600_000)
  }),
  servicesFile: setting({
    name: 'SERVICES_FILE',
    description: 'Registry of internal services. SIGHUP reloads it. See docs/how-to/authenticate.md.',
    fallback: '',
    defaultText: 'none',
    read: optional(text => text)
  }),
  auditLog: setting({
    name: 'AUDIT_LOG',
    description: 'File of the audit log, or `-` for standard output. SIGHUP opens it again, after it was renamed.',
    fallback: '-',
    read: text => text
  })
} satisfies Record<string, Setting>
