import { randomBytes, X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { createSecureContext } from 'node:tls'
import { keepsSecureCookie } from '../core/address.ts'
import { Secret } from '../core/secret.ts'
import { isQuoted, readTextFile, TextFileError } from '../core/text-file.ts'
import { isGuessable } from './entropy.ts'
import { redisFaults } from './redis.ts'
import { type ConfigFault, InvalidSetting, type Setting } from './setting.ts'
import { settings } from './settings.ts'

/** 5 s: a load balancer that checks `/readyz` every 2 s has removed the replica by then. */
const PRODUCTION_DRAIN_MS = 5000

/** With Redis two replicas are assumed: the smallest number for which Redis is needed. */
const DEFAULT_REPLICAS = 2

type Table = Readonly<Record<string, Setting>>

/** The values of a table of settings. */
type Values<T extends Table> = { [K in keyof T]: ReturnType<T[K]['read']> }

type Read = Values<typeof settings>

/** The settings of the process: read once at start, frozen. */
export type Config = Readonly<
  Omit<Read, 'publicUrl' | 'drainDelayMs' | 'sessionStore' | 'replicasHint'> & {
    publicUrl: URL
    drainDelayMs: number
    sessionStore: 'memory' | 'sqlite' | 'redis'
    replicasHint: number
  }
>

/** The settings are not valid. Holds every fault. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(['Invalid settings:', ...faults.map(({ name, detail }) => `  ${name} ${detail}`)].join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * Reads the settings from the environment. An empty variable counts as unset.
 * @throws ConfigError with every fault
 */
export const loadConfig = (env: NodeJS.ProcessEnv): Config => {
  const { values, faults } = readSettings(settings, env)
  faults.push(...combinationFaults(values, env))
  if (faults.length > 0) throw new ConfigError(faults)
  const read = values as Read
  const config = {
    ...read,
    publicUrl: read.publicUrl ?? ownUrl(read),
    drainDelayMs: read.drainDelayMs ?? (read.environment === 'production' ? PRODUCTION_DRAIN_MS : 0),
    sessionStore: storeOf(read),
    replicasHint: (read.replicasHint ?? (storeOf(read) === 'redis' ? DEFAULT_REPLICAS : 1)) * read.workers,
    sessionSecret: read.sessionSecret.length > 0 ? read.sessionSecret : [new Secret(randomBytes(32).toString('hex'))]
  }
  for (const value of Object.values(config)) if (Array.isArray(value)) Object.freeze(value)
  return Object.freeze(config)
}

/** Reads each setting of a table. An invalid setting has no value. */
export const readSettings = <T extends Table>(table: T, env: NodeJS.ProcessEnv) => {
  const values: Partial<Values<T>> = {}
  const faults: ConfigFault[] = []
  for (const [field, setting] of Object.entries(table)) {
    try {
      Object.assign(values, { [field]: setting.read(textOf(setting, env)) })
    } catch (error) {
      if (!(error instanceof InvalidSetting)) throw error
      faults.push({ name: setting.name, detail: error.message })
    }
  }
  return { values, faults }
}

const textOf = ({ name, alias, fallback, secret }: Setting, env: NodeJS.ProcessEnv): string => {
  const direct = (alias && env[alias]) ?? env[name] ?? ''
  const file = (secret && env[`${name}_FILE`]) || ''
  if (isQuoted(direct)) throw new InvalidSetting('is in quotes, which are part of the value: remove them')
  if (file === '') return direct === '' ? fallback : direct
  if (direct !== '') throw new InvalidSetting(`is set twice: as ${name} and as ${name}_FILE`)
  return contentOf(file, name)
}

const contentOf = (file: string, name: string): string => {
  const where = `the file that ${name}_FILE names`
  try {
    const content = readTextFile(file).replace(/\r?\n$/, '')
    if (content === '') throw new InvalidSetting(`is empty in ${where}`)
    if (isQuoted(content))
      throw new InvalidSetting(`is in quotes in ${where}, which are part of the value: remove them`)
    return content
  } catch (error) {
    if (error instanceof TextFileError) throw new InvalidSetting(`cannot be read: ${where} ${error.message}`)
    throw error
  }
}

const COOKIE_LOST = 'over plain http no browser keeps the session cookie'

/** What works, but not as most operators expect: one sentence each. */
export const warningsOf = ({ environment, publicUrl }: Config): string[] =>
  environment === 'production' || keepsSecureCookie(publicUrl)
    ? []
    : [`PUBLIC_URL is ${publicUrl.origin}: ${COOKIE_LOST}, so logins are refused; use https or localhost`]

/** Faults of settings that are valid alone but not together. Settings that could not be read are skipped. */
const combinationFaults = (read: Partial<Read>, env: NodeJS.ProcessEnv): ConfigFault[] => {
  const faults: ConfigFault[] = []
  if (read.environment === 'production' && 'upstreamUrl' in read && read.upstreamUrl === undefined) {
    faults.push({ name: 'UPSTREAM_URL', detail: 'must be set in production: the sandbox is not HOSTKEY' })
  }
  if (read.environment === 'production' && read.publicUrl && !keepsSecureCookie(read.publicUrl)) {
    faults.push({
      name: 'PUBLIC_URL',
      detail: `must begin with https:// in production, except on localhost: ${COOKIE_LOST}`
    })
  }
  const hasRandomSecret = read.sessionSecret?.length === 0
  if (read.environment === 'production' && hasRandomSecret) {
    faults.push({
      name: 'SESSION_SECRET',
      detail: 'must be set in production: with a random secret sessions end with the process'
    })
  }
  if (read.environment === 'production' && read.sessionSecret?.some(secret => isGuessable(secret.reveal()))) {
    faults.push({
      name: 'SESSION_SECRET',
      detail: 'can be guessed: it repeats itself or is a sequence; make a random one with: openssl rand -hex 32'
    })
  }
  if (read.environment === 'production' && 'publicUrl' in read && read.publicUrl === undefined) {
    faults.push({
      name: 'PUBLIC_URL',
      detail: 'must be set in production: browsers log in only at the address that it names'
    })
  }
  faults.push(...redisFaults(read))
  // The store of several workers, chosen by default, ends with them.
  if ('redisUrl' in read && storeOf({ ...read, workers: 1 }) !== 'memory' && hasRandomSecret) {
    faults.push({
      name: 'SESSION_SECRET',
      detail: 'must be set for the store sqlite or redis: a random secret cannot open its sessions after a restart'
    })
  }
  if (read.sessionStore === 'memory' && (read.workers ?? 1) > 1) {
    faults.push({
      name: 'SESSION_STORE',
      detail: 'must be sqlite or redis with more than one of WORKERS: the memory of a process is not shared'
    })
  }
  if (read.port !== undefined && read.port !== 0 && read.port === read.managementPort) {
    faults.push({ name: 'MANAGEMENT_PORT', detail: 'must differ from PORT' })
  }
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    faults.push({
      name: 'NODE_TLS_REJECT_UNAUTHORIZED',
      detail: 'must not be 0: it exposes tokens to anyone between the gateway and HOSTKEY'
    })
  }
  faults.push(...upstreamTlsFaults(read))
  return faults
}

/** Certificates and a key that do not fit together. */
const upstreamTlsFaults = ({ upstreamCa, upstreamCert, upstreamKey }: Partial<Read>): ConfigFault[] => {
  if (!upstreamCert !== !upstreamKey) {
    const [name, other] = upstreamCert ? ['UPSTREAM_KEY', 'UPSTREAM_CERT'] : ['UPSTREAM_CERT', 'UPSTREAM_KEY']
    return [{ name, detail: `must be set together with ${other}` }]
  }
  const faults: ConfigFault[] = []
  const check = (name: string, detail: string, parse: () => unknown) => {
    try {
      parse()
    } catch {
      faults.push({ name, detail })
    }
  }
  // Node.js ignores an authority that it cannot read.
  for (const [name, certificate] of [
    ['UPSTREAM_CA', upstreamCa],
    ['UPSTREAM_CERT', upstreamCert]
  ] as const) {
    if (certificate) check(name, 'has no certificate that can be read', () => new X509Certificate(certificate.reveal()))
  }
  if (faults.length === 0 && upstreamCert && upstreamKey) {
    const pair = { cert: upstreamCert.reveal(), key: upstreamKey.reveal() }
    const detail = 'is encrypted, cannot be read, or is not the key of UPSTREAM_CERT'
    check('UPSTREAM_KEY', detail, () => createSecureContext(pair))
  }
  return faults
}

const storeOf = ({ sessionStore, redisUrl, redisSentinels = [], workers = 1 }: Partial<Read>) => {
  if (sessionStore) return sessionStore
  if (redisUrl !== undefined || redisSentinels.length > 0) return 'redis'
  return workers > 1 ? 'sqlite' : 'memory'
}

/** An address for a browser on this machine. The wildcard addresses become `localhost`. */
const ownUrl = ({ host, port, basePath }: Read): URL => {
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return new URL(`http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}${basePath}/`)
}

/** Where the value of a setting came from. @param fromFile the variables that the file `.env` added */
export const sourceOf = (
  { name, alias, secret }: Setting,
  env: NodeJS.ProcessEnv,
  fromFile: readonly string[] = []
): string => {
  const file = secret && env[`${name}_FILE`]
  if (file) return `the file ${file}`
  const used = [alias ?? name, name].find(each => env[each])
  if (used === undefined) return 'default'
  return `${used === name ? '' : `${used} in `}${fromFile.includes(used) ? '.env' : 'the environment'}`
}

/** The effective settings as text that can be set. Secrets are masked. */
export const printableSettings = <T extends Table>(
  table: T,
  values: { readonly [K in keyof T]?: unknown },
  env: NodeJS.ProcessEnv = {}
) =>
  Object.entries(table).map(([field, setting]) => ({
    name: setting.name,
    value: [values[field]].flat().some(isRecord) ? textOf(setting, env) : String(values[field] ?? ''),
    setting
  }))

/** Is it what a setting was read into, without a text of its own? */
const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
