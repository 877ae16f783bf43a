import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  ConfigError,
  loadConfig,
  printableSettings,
  readSettings,
  sourceOf,
  warningsOf
} from '../../../src/config/config.ts'
import { loadEnvFile } from '../../../src/config/env-file.ts'
import { editDistance, misspelledNames } from '../../../src/config/names.ts'
import { optional, secretSetting, setting } from '../../../src/config/setting.ts'
import { settingGroups, settings } from '../../../src/config/settings.ts'
import { Secret } from '../../../src/core/secret.ts'

type Env = Record<string, string>

const LONG = 'a-secret-of-the-servers-too-long-to-guess'
const PRODUCTION = {
  NODE_ENV: 'production',
  UPSTREAM_URL: 'https://api.hostkey.example/',
  PUBLIC_URL: 'https://gateway.example.com/',
  SESSION_SECRET: LONG
}

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
    orderLeaseMs: 10_000,
    redisTimeoutMs: 250,
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
    ['OTEL_TRACES_SAMPLER_ARG', '2', /from 0 to 1/],
    ['OTEL_EXPORTER_OTLP_HEADERS', 'secret', /pairs/],
    ['KEYS', 'false', /one of on, off/],
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

t.test('production refuses a SESSION_SECRET that can be guessed', async t => {
  const refused = [
    'x'.repeat(40),
    'ab'.repeat(20),
    'password'.repeat(5),
    'abcdefghijklmnopqrstuvwxyz0123456789',
    '9876543210zyxwvutsrqponmlkjihgfedcba',
    '0123456789'.repeat(4),
    'qwertyuiopasdfghjklzxcvbnm1234567890',
    'change-me-change-me-change-me-change-me',
    '1111111122222222333333334444444455555555'
  ]
  for (const secret of refused) {
    const faults = faultsOf({ ...PRODUCTION, SESSION_SECRET: secret })
    t.match(faults, [{ name: 'SESSION_SECRET', detail: /can be guessed.*openssl rand/ }], secret)
    t.same(faultsOf({ SESSION_SECRET: secret }), [], 'development does not')
  }
  t.same(namesOf({ ...PRODUCTION, SESSION_SECRET: `${LONG},${'x'.repeat(40)}` }), ['SESSION_SECRET'])
  for (let tries = 0; tries < 2000; tries += 1) {
    for (const form of ['hex', 'base64'] as const) {
      const secret = randomBytes(form === 'hex' ? 16 : 24).toString(form)
      t.same(faultsOf({ ...PRODUCTION, SESSION_SECRET: secret }), [], `a random one is accepted: ${secret}`)
    }
  }
})

t.test('production needs PUBLIC_URL, where browsers log in', async t => {
  t.match(faultsOf({ ...PRODUCTION, PUBLIC_URL: '' }), [{ name: 'PUBLIC_URL', detail: /browsers log in/ }])
})

t.test('Redis', async t => {
  const redis = (more: Env) => namesOf({ ...PRODUCTION, ...more })

  t.test('on another host needs TLS in production, unless said on purpose', async t => {
    t.same(redis({ REDIS_URL: 'redis://cache.example:6379' }), ['REDIS_URL'])
    t.same(redis({ REDIS_URL: 'redis://10.0.0.7' }), ['REDIS_URL'])
    t.same(redis({ REDIS_SENTINELS: '10.0.0.7:26379' }), ['REDIS_SENTINELS'])
    for (const accepted of [
      { REDIS_URL: 'redis://cache.example:6379', REDIS_PLAINTEXT: 'true' },
      { REDIS_URL: 'rediss://cache.example:6379' },
      { REDIS_URL: 'redis://127.0.0.1' },
      { REDIS_URL: 'redis://[::1]:6380/2' },
      { REDIS_SENTINELS: '10.0.0.7', REDIS_URL: 'rediss://user@any.example' }
    ]) {
      t.same(redis(accepted), [], JSON.stringify(accepted))
    }
    t.equal(loadConfig({ ...PRODUCTION, REDIS_SENTINELS: '127.0.0.1,[::1]:5' }).sessionStore, 'redis')
  })

  t.test('an address with odd characters is explained, without its password', async t => {
    for (const url of [
      'redis://:p@ss/w#rd@h:6379',
      'redis://:50%@h',
      'redis://h:6379/a',
      'redis://:a?b@h',
      'redis://h:port'
    ]) {
      const [fault] = faultsOf({ REDIS_URL: url, SESSION_SECRET: LONG })
      t.match(fault, { name: 'REDIS_URL', detail: /REDIS_PASSWORD.*percent-encoded/ }, url)
      t.notMatch(fault?.detail, /p@ss|50%/)
    }
  })

  t.test('certificates must be readable, belong together, and need rediss://', async t => {
    const url = 'rediss://h'
    t.match(faultsOf({ REDIS_URL: url, SESSION_SECRET: LONG, REDIS_CA: 'no PEM' }), [{ detail: /must be PEM/ }])
    const empty = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'
    t.match(faultsOf({ REDIS_URL: url, SESSION_SECRET: LONG, REDIS_CA: empty }), [{ name: 'REDIS_CA' }])
    t.match(faultsOf({ REDIS_URL: url, SESSION_SECRET: LONG, REDIS_CERT: empty }), [
      { name: 'REDIS_KEY', detail: /together/ },
      { name: 'REDIS_CERT' }
    ])
    t.ok(namesOf({ REDIS_URL: 'redis://h', SESSION_SECRET: LONG, REDIS_CA: empty }).includes('REDIS_URL'))
  })
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
    t.match(detail({ PEPPER_FILE: file('absent') }), [/PEPPER_FILE names does not exist \(ENOENT\)/])
    t.match(detail({ PEPPER_FILE: file('empty') }), [/is empty/])
  })

  t.test('is read as editors on Windows save it; UTF-16 and quotes are told', async t => {
    const read = (bytes: Buffer | string) => {
      writeFileSync(file('windows'), bytes)
      const { values, faults } = readSettings(table, { PEPPER_FILE: file('windows') })
      return values.pepper?.reveal() ?? faults[0]?.detail
    }
    t.equal(read('\uFEFFhot\r\n'), 'hot')
    t.match(read(Buffer.from('\uFEFFhot', 'utf16le')), /UTF-16: save it as UTF-8/)
    t.match(read(Buffer.from('\uFEFFhot', 'utf16le').swap16()), /UTF-16/)
    t.match(read(Buffer.from('hot', 'utf16le')), /UTF-16/)
    t.match(read(Buffer.from([0x68, 0xfc])), /not UTF-8/)
    t.match(read('"hot"\n'), /in quotes.*remove them/)
    t.match(readSettings(table, { PEPPER: "'hot'" }).faults[0]?.detail, /in quotes/)
    t.match(readSettings(table, { PEPPER_FILE: dir }).faults[0]?.detail, /is a folder \(EISDIR\)/)
  })

  t.test('is masked when shown', async t => {
    const { values } = readSettings(table, { PEPPER: 'hot', SALT: 'sea' })
    t.type(values.pepper, Secret)
    t.match(printableSettings(table, values), [
      { name: 'PEPPER', value: '[redacted]' },
      { name: 'SALT', value: 'sea' }
    ])
    t.notMatch(JSON.stringify(values), /hot/)
  })

  t.test('a list is shown as it can be set', async t => {
    const env = { REDIS_SENTINELS: '127.0.0.1:5,[::1]', STORAGE_ENDPOINTS: 'NL=https://s3.example|nl' }
    const shown = printableSettings(settings, loadConfig({ ...env, SESSION_SECRET: 'x'.repeat(40) }), env)
    for (const [name, value] of Object.entries(env)) t.equal(shown.find(each => each.name === name)?.value, value)
  })

  t.test('a setting that is no secret cannot come from a file', async t => {
    t.equal(readSettings(table, { SALT_FILE: file('pepper') }).values.salt, undefined)
  })
})

t.test('a file .env is read as editors on Windows save it, and the environment wins', async t => {
  const path = join(mkdtempSync(join(tmpdir(), 'config-')), '.env')
  t.teardown(() => rmSync(path))
  writeFileSync(path, '\uFEFFNODE_ENV=production\r\nexport PORT="81"\r\nHOST=::1\r\n# comment\r\n')
  const env: Env = { HOST: '127.0.0.1' }
  t.same(loadEnvFile(path, env), ['NODE_ENV', 'PORT'])
  t.same(env, { NODE_ENV: 'production', PORT: '81', HOST: '127.0.0.1' })
  writeFileSync(path, Buffer.from('\uFEFFPORT=81', 'utf16le'))
  t.throws(() => loadEnvFile(path, {}), { message: `${path} is UTF-16: save it as UTF-8` })
  const none: Env = {}
  loadEnvFile('/no/such/file', none)
  t.same(none, {})
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

t.test('production refuses plain http for other machines: browsers would not keep the session cookie', async t => {
  for (const env of [{ PUBLIC_URL: 'http://nas.lan:8080' }, { PUBLIC_URL: 'http://10.0.0.5' }]) {
    t.strictSame(namesOf({ ...PRODUCTION, ...env }), ['PUBLIC_URL'])
    t.strictSame(namesOf(env), [])
  }
  for (const url of [
    'https://nas.lan',
    'http://localhost:8080',
    'http://app.localhost',
    'http://127.0.0.9',
    'http://[::1]'
  ]) {
    t.strictSame(namesOf({ ...PRODUCTION, PUBLIC_URL: url }), [], url)
    t.strictSame(warningsOf(loadConfig({ PUBLIC_URL: url })), [])
  }
  t.match(warningsOf(loadConfig({ PUBLIC_URL: 'http://nas.lan:8080' })), [/^PUBLIC_URL is http:\/\/nas\.lan:8080/])
})

t.test('origins of apps are exact too', async t => {
  const apps = ['capacitor://localhost', 'tauri://localhost', 'ionic://localhost', 'http://tauri.localhost', 'app://-']
  t.strictSame(loadConfig({ ALLOWED_ORIGINS: apps.join(',') }).allowedOrigins, apps)
  for (const origin of [
    'null',
    'capacitor://*',
    'capacitor://',
    'capacitor://localhost/',
    'file://',
    'javascript://x',
    'x'
  ]) {
    t.strictSame(namesOf({ ALLOWED_ORIGINS: origin }), ['ALLOWED_ORIGINS'], origin)
  }
})

t.test('every setting is in one group, and the first group has eight', async t => {
  const grouped = settingGroups.flatMap(group => Object.keys(group.settings))
  t.same(grouped.toSorted(), Object.keys(settings).toSorted())
  t.equal(Object.keys(settingGroups[0]?.settings ?? {}).length, 8)
})

t.test('a name close to that of a setting is warned about, without its value', async t => {
  const warningsFor = (...names: string[]) =>
    misspelledNames(Object.values(settings), Object.fromEntries(names.map(name => [name, 'hunter2'])))
  t.same(warningsFor('PUBLIC_URI', 'SESSION_SECERT', 'MANAGMENT_PORT', 'LOGLEVEL', 'port'), [
    'PUBLIC_URI is not a setting: is PUBLIC_URL meant?',
    'SESSION_SECERT is not a setting: is SESSION_SECRET meant?',
    'MANAGMENT_PORT is not a setting: is MANAGEMENT_PORT meant?',
    'LOGLEVEL is not a setting: is LOG_LEVEL meant?',
    'port is not a setting: is PORT meant?'
  ])
  t.match(warningsFor('PUBLIC_URL_FILE'), [/^PUBLIC_URL_FILE is not read: PUBLIC_URL is no secret/])
  t.same(warningsFor('REDIS_URL_FILES'), ['REDIS_URL_FILES is not a setting: is REDIS_URL_FILE meant?'])
  t.same(
    warningsFor(
      'PATH',
      'HOME',
      'PWD',
      'HOSTNAME',
      'FTP_PROXY',
      'ALL_PROXY',
      'REDIS_PORT',
      'REDIS_SERVICE_HOST',
      'NODE_OPTIONS'
    ),
    [],
    'variables of other programs'
  )
  t.same(warningsFor('REDIS_URL_FILE', 'https_proxy', 'PORT'), [])
  t.same(misspelledNames(Object.values(settings), { PROT: '' }), [])
})

t.test('the edit distance counts a swap of neighbours once', async t => {
  t.same(
    [editDistance('', 'abc'), editDistance('abc', 'abc'), editDistance('kitten', 'sitting'), editDistance('ab', 'ba')],
    [3, 0, 3, 1]
  )
})

t.test('the source of a value: default, environment, file .env, file of a secret', async t => {
  const env = { PORT: '81', HOST: '::1', REDIS_URL_FILE: '/run/secrets/redis', https_proxy: 'http://proxy' }
  const sourceIn = (field: keyof typeof settings) => sourceOf(settings[field], env, ['HOST'])
  t.equal(sourceIn('logLevel'), 'default')
  t.equal(sourceIn('port'), 'the environment')
  t.equal(sourceIn('host'), '.env')
  t.equal(sourceIn('redisUrl'), 'the file /run/secrets/redis')
  t.equal(sourceIn('httpsProxy'), 'https_proxy in the environment')
})
