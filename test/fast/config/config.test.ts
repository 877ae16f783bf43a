import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, loadConfig, printableSettings, readSettings } from '../../../src/config/config.ts'
import { optional, secretSetting, setting } from '../../../src/config/setting.ts'
import { settings } from '../../../src/config/settings.ts'
import { Secret } from '../../../src/core/secret.ts'

type Env = Record<string, string>

const LONG = 'a-secret-of-the-servers-too-long-to-guess'
const PRODUCTION = { NODE_ENV: 'production', UPSTREAM_URL: 'https://api.hostkey.example/', SESSION_SECRET: LONG }

const faultsOf = (env: Env) => {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}

const namesOf = (env: Env) => faultsOf(env).map(({ name }) => name)

t.test('an empty environment gives the documented defaults, frozen', async t => {
  const config = loadConfig({})
  t.match(config, {
    environment: 'development',
    port: 8080,
    host: '127.0.0.1',
    managementPort: 9090,
    basePath: '',
    upstreamUrl: undefined,
    upstreamTimeoutMs: undefined,
    rateLimitMax: 600,
    rateLimitWindowMs: 60_000,
    trustProxy: [],
    allowedOrigins: [],
    logLevel: 'info',
    drainDelayMs: 0,
    replicasHint: 1
  })
  t.equal(config.publicUrl.href, 'http://127.0.0.1:8080/')
  t.ok(Object.isFrozen(config))
  t.ok(Object.isFrozen(config.trustProxy))
})

t.test('every variable is read', async t => {
  const config = loadConfig({
    ...PRODUCTION,
    PORT: '0',
    HOST: '::1',
    MANAGEMENT_PORT: '0',
    BASE_PATH: '/storage/v1',
    PUBLIC_URL: 'https://gateway.example.com/storage/v1',
    UPSTREAM_URL: 'http://127.0.0.1:4000/sandbox',
    UPSTREAM_TIMEOUT_MS: '2500',
    RATE_LIMIT_MAX: '10',
    RATE_LIMIT_WINDOW_MS: '1000',
    TRUST_PROXY: 'loopback, 10.0.0.0/8,2001:db8::/32,192.0.2.7',
    ALLOWED_ORIGINS: 'https://console.example.com,http://localhost:5173',
    LOG_LEVEL: 'warn',
    DRAIN_DELAY_MS: '0',
    SESSION_SECRET: `${LONG}-new, ${LONG}-old`,
    SESSION_STORE: 'redis',
    REDIS_URL: 'rediss://user:password@redis.example.com:6379/1',
    REPLICAS_HINT: '3',
    DATA_DIR: '/var/lib/gateway',
    SERVICES_FILE: '/etc/services.json',
    AUDIT_LOG: '/var/log/audit'
  })
  t.match(config, {
    environment: 'production',
    sessionStore: 'redis',
    dataDir: '/var/lib/gateway',
    servicesFile: '/etc/services.json',
    auditLog: '/var/log/audit',
    port: 0,
    host: '::1',
    managementPort: 0,
    basePath: '/storage/v1',
    upstreamTimeoutMs: 2500,
    rateLimitMax: 10,
    rateLimitWindowMs: 1000,
    trustProxy: ['loopback', '10.0.0.0/8', '2001:db8::/32', '192.0.2.7'],
    allowedOrigins: ['https://console.example.com', 'http://localhost:5173'],
    logLevel: 'warn',
    drainDelayMs: 0,
    replicasHint: 3
  })
  t.equal(config.publicUrl.href, 'https://gateway.example.com/storage/v1/')
  t.equal(config.upstreamUrl?.href, 'http://127.0.0.1:4000/sandbox/')
  t.same(
    config.sessionSecret.map(secret => secret.reveal()),
    [`${LONG}-new`, `${LONG}-old`]
  )
  t.equal(config.redisUrl?.reveal(), 'rediss://user:password@redis.example.com:6379/1')
  t.notMatch(JSON.stringify(config), /too-long-to-guess|user:password/)
})

t.test('an empty variable counts as unset', async t => {
  const empty = Object.fromEntries(Object.values(settings).map(({ name }) => [name, '']))
  // Without a secret each process generates one.
  const known = (env: Env) => ({ ...loadConfig(env), sessionSecret: [] })
  t.same(known(empty), known({}))
})

t.test('defaults that depend on other settings', async t => {
  t.equal(loadConfig(PRODUCTION).drainDelayMs, 5000)
  t.equal(loadConfig({}).sessionStore, 'memory')
  t.equal(loadConfig({ REDIS_URL: 'redis://127.0.0.1', SESSION_SECRET: LONG }).sessionStore, 'redis')
  t.equal(loadConfig({ REDIS_URL: 'redis://127.0.0.1', SESSION_SECRET: LONG }).replicasHint, 2)
  const [random, other] = [loadConfig({}), loadConfig({})].map(({ sessionSecret }) => sessionSecret[0]?.reveal())
  t.match(random, /^[0-9a-f]{64}$/)
  t.not(random, other)
  t.equal(loadConfig({ HOST: '0.0.0.0', PORT: '81' }).publicUrl.href, 'http://localhost:81/')
  t.equal(loadConfig({ HOST: '::1', BASE_PATH: '/a' }).publicUrl.href, 'http://[::1]:8080/a/')
})

t.test('reports all faults together, by name and without the value', async t => {
  const env = { NODE_ENV: 'production', PORT: '80x', LOG_LEVEL: 'loud', PUBLIC_URL: 'https://me:hunter2@example.com' }
  t.same(namesOf(env).sort(), ['LOG_LEVEL', 'PORT', 'PUBLIC_URL', 'SESSION_SECRET', 'UPSTREAM_URL'])
  t.throws(() => loadConfig(env), { message: /PORT must be[\s\S]*LOG_LEVEL must be/ })
  t.notMatch(JSON.stringify(faultsOf(env)), /hunter2|80x|loud/)
})

t.test('refused', async t => {
  const refused: [name: string, text: string, why: RegExp][] = [
    ...['080', '1e3', '0x10', ' 8080', '8080 ', '+1', '-1', '1.0', '65536', '٣'].map(
      text => ['PORT', text, /plain digits/] as [string, string, RegExp]
    ),
    ['RATE_LIMIT_MAX', '0', /from 1/],
    ['NODE_ENV', 'prod', /development, test, production/],
    ['HOST', 'http://localhost', /without scheme/],
    ['BASE_PATH', 'storage', /slash/],
    ['BASE_PATH', '/storage/', /slash/],
    ['BASE_PATH', '/a/../b', /slash/],
    ['PUBLIC_URL', 'gateway.example.com', /absolute/],
    ['PUBLIC_URL', 'ftp://gateway.example.com', /absolute/],
    ['PUBLIC_URL', ' https://gateway.example.com', /space/],
    ['UPSTREAM_URL', 'http://api.hostkey.example', /https/],
    ['UPSTREAM_URL', 'http://127.0.0.1.example.com', /https/],
    ['UPSTREAM_URL', 'https://user@api.hostkey.example', /user name/],
    ['UPSTREAM_URL', 'https://:word@api.hostkey.example', /user name/],
    ['UPSTREAM_URL', 'https://api.hostkey.example/?', /query/],
    ['UPSTREAM_URL', 'https://api.hostkey.example/?action=x', /query/],
    ['UPSTREAM_URL', 'https://api.hostkey.example/#x', /fragment/],
    ['UPSTREAM_URL', 'https://api.hostkey.example/s3.php', /folder/],
    ['UPSTREAM_TIMEOUT_MS', '99', /from 100/],
    ['TRUST_PROXY', '1', /hops/],
    ['TRUST_PROXY', 'true', /forge/],
    ['TRUST_PROXY', '10.0.0.0/33', /at most 32/],
    ['TRUST_PROXY', '::/129', /prefix/],
    ['TRUST_PROXY', '0.0.0.0/0', /every caller/],
    ['TRUST_PROXY', '10.0.0.0/8/8', /CIDR/],
    ['TRUST_PROXY', '10.0.0.0/', /prefix/],
    ['TRUST_PROXY', 'proxy.example.com', /CIDR/],
    ['TRUST_PROXY', 'loopback,,10.0.0.1', /entry 2/],
    ['TRUST_PROXY', '1,loopback,true', /hops.*entry 1.*forge.*entry 3/],
    ['SESSION_SECRET', 'short', /32 bytes/],
    ['SESSION_SECRET', `${LONG},short`, /32 bytes.*entry 2/],
    ['SESSION_STORE', 'files', /memory, sqlite, redis/],
    ['REDIS_URL', 'http://127.0.0.1', /redis:/],
    ['ALLOWED_ORIGINS', '*', /any page/],
    ['ALLOWED_ORIGINS', 'null', /any page/],
    ['ALLOWED_ORIGINS', 'https://a.example/', /no slash/],
    ['ALLOWED_ORIGINS', 'https://a.example:443', /exact/],
    ['ALLOWED_ORIGINS', 'https://*.a.example', /any page/],
    ['LOG_LEVEL', 'INFO', /one of/],
    ['DRAIN_DELAY_MS', '60001', /to 60000/],
    ['NODE_TLS_REJECT_UNAUTHORIZED', '0', /tokens/]
  ]
  for (const [name, text, why] of refused) {
    t.match(faultsOf({ [name]: text }), [{ name, detail: why }], `${name}=${text}`)
  }
})

t.test('accepted on loopback without TLS', async t => {
  for (const url of ['http://localhost:1', 'http://127.9.9.9', 'http://[::1]:8080/x']) {
    t.same(faultsOf({ UPSTREAM_URL: url }), [], url)
  }
})

t.test('two listeners cannot share a port', async t => {
  t.same(namesOf({ PORT: '9090' }), ['MANAGEMENT_PORT'])
  t.same(namesOf({ PORT: '0', MANAGEMENT_PORT: '0' }), [])
})

t.test('the store sqlite needs SESSION_SECRET, the store redis also REDIS_URL', async t => {
  t.same(namesOf({ SESSION_STORE: 'sqlite' }), ['SESSION_SECRET'])
  t.same(namesOf({ SESSION_STORE: 'redis' }), ['REDIS_URL', 'SESSION_SECRET'])
  t.same(namesOf({ REDIS_URL: 'redis://127.0.0.1' }), ['SESSION_SECRET'])
  t.same(namesOf({ SESSION_STORE: 'sqlite', SESSION_SECRET: LONG }), [])
})

t.test('a secret', async t => {
  const table = {
    pepper: secretSetting({ name: 'PEPPER', description: 'A secret.', fallback: '', read: text => text }),
    salt: setting({ name: 'SALT', description: 'No secret.', fallback: '', read: optional(text => text) })
  }
  const dir = mkdtempSync(join(tmpdir(), 'config-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const file = (name: string) => join(dir, name)
  writeFileSync(file('pepper'), 'from a file\n')
  writeFileSync(file('empty'), '\n')

  t.test('is read from its variable or from the file that <NAME>_FILE names', async t => {
    t.equal(readSettings(table, { PEPPER: 'hot' }).values.pepper?.reveal(), 'hot')
    t.equal(readSettings(table, { PEPPER_FILE: file('pepper') }).values.pepper?.reveal(), 'from a file')
    t.equal(readSettings(table, { PEPPER: '', PEPPER_FILE: '' }).values.pepper, undefined)
  })

  t.test('is refused when set twice, missing or empty', async t => {
    const detail = (env: Env) => readSettings(table, env).faults.map(fault => `${fault.name} ${fault.detail}`)
    t.match(detail({ PEPPER: 'hot', PEPPER_FILE: file('pepper') }), [/PEPPER is set twice/])
    t.match(detail({ PEPPER_FILE: file('absent') }), [/ENOENT/])
    t.match(detail({ PEPPER_FILE: file('empty') }), [/is empty/])
  })

  t.test('is masked when shown', async t => {
    const { values } = readSettings(table, { PEPPER: 'hot', SALT: 'sea' })
    t.type(values.pepper, Secret)
    t.same(printableSettings(table, values), [
      { name: 'PEPPER', value: '[redacted]' },
      { name: 'SALT', value: 'sea' }
    ])
    t.notMatch(JSON.stringify(values), /hot/)
  })

  t.test('a setting that is no secret cannot come from a file', async t => {
    t.equal(readSettings(table, { SALT_FILE: file('pepper') }).values.salt, undefined)
  })
})

t.test('an unexpected error of a reader is not reported as a fault of the environment', async t => {
  const table = {
    bad: setting({
      name: 'BAD',
      description: '',
      fallback: '',
      read: () => {
        throw new TypeError('ours')
      }
    })
  }
  t.throws(() => readSettings(table, {}), TypeError)
})
