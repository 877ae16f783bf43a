import {
  baseUrl,
  host,
  integer,
  list,
  mountPath,
  optional,
  origin,
  proxy,
  redisUrl,
  type Setting,
  secretListSetting,
  secretSetting,
  setting,
  upstreamBase,
  word
} from './setting.ts'

/** Every setting, in the order of the reference page. A new one is a new entry here and nothing else. */
export const settings = {
  environment: setting({
    name: 'NODE_ENV',
    about: '`production` refuses the sandbox and drains before it stops.',
    fallback: 'development',
    read: word('development', 'test', 'production')
  }),
  port: setting({
    name: 'PORT',
    about: 'Port of the public listener; 0 takes any free one.',
    fallback: '8080',
    read: integer(0, 65_535)
  }),
  host: setting({
    name: 'HOST',
    about: 'Address of the public listener; `0.0.0.0` in the image.',
    fallback: '127.0.0.1',
    read: host
  }),
  managementPort: setting({
    name: 'MANAGEMENT_PORT',
    about: 'Port of `/metrics`, `/livez` and `/readyz` on 127.0.0.1; 0 takes any free one.',
    fallback: '9090',
    read: integer(0, 65_535)
  }),
  basePath: setting({
    name: 'BASE_PATH',
    about: 'Where the whole gateway is mounted, such as `/storage`.',
    fallback: '',
    read: mountPath
  }),
  publicUrl: setting({
    name: 'PUBLIC_URL',
    about: 'The address under which callers reach the gateway, mount point included: base of problem types.',
    fallback: '',
    otherwise: 'http, `HOST`, `PORT` and `BASE_PATH`',
    read: optional(baseUrl)
  }),
  upstreamUrl: setting({
    name: 'UPSTREAM_URL',
    about: 'Base of `s3.php` and `auth.php`; https, except on a loopback address.',
    fallback: '',
    otherwise: 'the embedded sandbox; refused in production',
    read: optional(upstreamBase)
  }),
  upstreamTimeoutMs: setting({
    name: 'UPSTREAM_TIMEOUT_MS',
    about: 'One total deadline for every call to HOSTKEY, reads and writes alike.',
    fallback: '',
    otherwise: 'by kind of call, 10 s to 60 s',
    read: optional(integer(100, 300_000))
  }),
  rateLimitMax: setting({
    name: 'RATE_LIMIT_MAX',
    about: 'Requests of one caller in a window; stricter classes scale with it.',
    fallback: '600',
    read: integer(1, 1_000_000)
  }),
  rateLimitWindowMs: setting({
    name: 'RATE_LIMIT_WINDOW_MS',
    about: 'Length of the window.',
    fallback: '60000',
    read: integer(1000, 3_600_000)
  }),
  trustProxy: setting({
    name: 'TRUST_PROXY',
    about:
      'The proxies in front, whose `X-Forwarded-*` headers are believed: IP addresses, CIDR networks, `loopback`, `linklocal` or `uniquelocal`, between commas.',
    fallback: '',
    otherwise: 'none',
    read: list(proxy)
  }),
  allowedOrigins: setting({
    name: 'ALLOWED_ORIGINS',
    about: 'Exact origins of the pages that may call the gateway from a browser, between commas.',
    fallback: '',
    otherwise: 'none',
    read: list(origin)
  }),
  logLevel: setting({
    name: 'LOG_LEVEL',
    about: 'The least severe record that is logged.',
    fallback: 'info',
    read: word('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
  }),
  drainDelayMs: setting({
    name: 'DRAIN_DELAY_MS',
    about:
      'How long a stopping gateway goes on serving while `/readyz` says 503: longer than the load balancer takes to notice.',
    fallback: '',
    otherwise: '5000 in production, else 0',
    read: optional(integer(0, 60_000))
  }),
  drainGraceMs: setting({
    name: 'DRAIN_GRACE_MS',
    about:
      'How long a stopping gateway then waits for the requests in flight; 5 s before the end those that have sent no write are answered 503. The orchestrator must wait longer than this and the delay together.',
    fallback: '60000',
    read: integer(100, 600_000)
  }),
  sessionSecret: secretListSetting({
    name: 'SESSION_SECRET',
    about:
      'Secrets that seal the sessions, at least 32 bytes each, between commas: the first seals, all open. To replace one, put the new one first and keep the old one for 8 hours.',
    fallback: '',
    otherwise: 'random for each process; refused in production'
  }),
  sessionStore: setting({
    name: 'SESSION_STORE',
    about:
      'Where sessions, limits and login locks are kept: `memory` of the process, a `sqlite` file of the host, or `redis` for replicas.',
    fallback: '',
    otherwise: '`redis` when `REDIS_URL` is set, else `memory`',
    read: optional(word('memory', 'sqlite', 'redis'))
  }),
  redisUrl: secretSetting({
    name: 'REDIS_URL',
    about: 'Redis or Valkey that the replicas share, such as `redis://user:password@host:6379/0`.',
    fallback: '',
    otherwise: 'none',
    read: redisUrl
  }),
  replicasHint: setting({
    name: 'REPLICAS_HINT',
    about:
      'How many replicas share the store. While it is away each counts for itself, and lets its part of every limit pass, but at least one request.',
    fallback: '',
    otherwise: '2 when the store is `redis`, else 1',
    read: optional(integer(1, 1000))
  }),
  dataDir: setting({
    name: 'DATA_DIR',
    about:
      'Folder of the SQLite files: the ledger of orders, unless Redis keeps it, and the sessions of the store `sqlite`.',
    fallback: '.data',
    read: text => text
  }),
  orderLateExecutionWindowMs: setting({
    name: 'ORDER_LATE_EXECUTION_WINDOW_MS',
    about:
      'How long after an order whose answer was lost an account may still appear; then the order counts as not executed.',
    fallback: '30000',
    read: integer(0, 3_600_000)
  }),
  orderLeaseMs: setting({
    name: 'ORDER_LEASE_MS',
    about:
      'How long an order stays with the replica that sends it; then a repetition of the request takes it for abandoned. Longer than any call to HOSTKEY takes.',
    fallback: '',
    otherwise: '15 s more than the longest call',
    read: optional(integer(500, 3_600_000))
  }),
  servicesFile: setting({
    name: 'SERVICES_FILE',
    about: 'Registry of internal services; read again on SIGHUP. See docs/how-to/authenticate.md.',
    fallback: '',
    otherwise: 'none',
    read: optional(text => text)
  }),
  auditLog: setting({
    name: 'AUDIT_LOG',
    about: 'File of the audit log, or `-` for standard output.',
    fallback: '-',
    read: text => text
  })
} satisfies Record<string, Setting>
