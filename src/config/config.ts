import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { Secret } from '../core/secret.ts'
import { type Setting, Unfit } from './setting.ts'
import { settings } from './settings.ts'

/** How long a stopping gateway goes on serving: load balancers look every few seconds (RELIABILITY 4.4). */
const PRODUCTION_DRAIN_MS = 5000

/** Whoever keeps sessions in Redis runs several replicas, most often two (RELIABILITY 4.5). */
const LIKELY_REPLICAS = 2

type Table = Readonly<Record<string, Setting>>

/** What a table of settings comes to. */
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

/** What is wrong with one variable. Its value is never quoted. */
export interface ConfigFault {
  name: string
  detail: string
}

/** The settings cannot be used: all that is wrong with them, at once. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    super(['The settings are not usable:', ...faults.map(({ name, detail }) => `  ${name} ${detail}`)].join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/**
 * Reads the settings from the environment: an empty variable counts as unset.
 * @throws ConfigError with every fault
 */
export const loadConfig = (env: NodeJS.ProcessEnv): Config => {
  const { values, faults } = readSettings(settings, env)
  faults.push(...contradictions(values, env))
  if (faults.length > 0) throw new ConfigError(faults)
  // Without a fault every setting was read.
  const read = values as Read
  const config = {
    ...read,
    publicUrl: read.publicUrl ?? ownUrl(read),
    drainDelayMs: read.drainDelayMs ?? (read.environment === 'production' ? PRODUCTION_DRAIN_MS : 0),
    sessionStore: storeOf(read),
    replicasHint: read.replicasHint ?? (storeOf(read) === 'redis' ? LIKELY_REPLICAS : 1),
    sessionSecret: read.sessionSecret.length > 0 ? read.sessionSecret : [new Secret(randomBytes(32).toString('hex'))]
  }
  for (const value of Object.values(config)) if (Array.isArray(value)) Object.freeze(value)
  return Object.freeze(config)
}

/** Reads each setting of a table; a setting at fault has no value. */
export const readSettings = <T extends Table>(table: T, env: NodeJS.ProcessEnv) => {
  const values: Partial<Values<T>> = {}
  const faults: ConfigFault[] = []
  for (const [field, setting] of Object.entries(table)) {
    try {
      Object.assign(values, { [field]: setting.read(textOf(setting, env)) })
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      faults.push({ name: setting.name, detail: error.message })
    }
  }
  return { values, faults }
}

const textOf = ({ name, fallback, secret }: Setting, env: NodeJS.ProcessEnv): string => {
  const direct = env[name] ?? ''
  const file = (secret && env[`${name}_FILE`]) || ''
  if (file === '') return direct === '' ? fallback : direct
  if (direct !== '') throw new Unfit(`is set twice: by itself and by ${name}_FILE`)
  return contentOf(file, name)
}

const contentOf = (file: string, name: string): string => {
  let content: string
  try {
    content = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : 'unknown'
    throw new Unfit(`cannot be read from the file that ${name}_FILE names (${reason})`)
  }
  if (content === '') throw new Unfit(`is empty in the file that ${name}_FILE names`)
  return content
}

/** What is wrong only when settings are seen together, as far as they could be read. */
const contradictions = (read: Partial<Read>, env: NodeJS.ProcessEnv): ConfigFault[] => {
  const faults: ConfigFault[] = []
  if (read.environment === 'production' && 'upstreamUrl' in read && read.upstreamUrl === undefined) {
    faults.push({ name: 'UPSTREAM_URL', detail: 'must be set in production: the sandbox is not HOSTKEY' })
  }
  const isSealedByChance = read.sessionSecret?.length === 0
  if (read.environment === 'production' && isSealedByChance) {
    faults.push({ name: 'SESSION_SECRET', detail: 'must be set in production: sessions would end with the process' })
  }
  if (read.sessionStore === 'redis' && 'redisUrl' in read && read.redisUrl === undefined) {
    faults.push({ name: 'REDIS_URL', detail: 'must be set for SESSION_STORE=redis' })
  }
  if (
    'redisUrl' in read &&
    storeOf({ sessionStore: read.sessionStore, redisUrl: read.redisUrl }) !== 'memory' &&
    isSealedByChance
  ) {
    faults.push({ name: 'SESSION_SECRET', detail: 'must be set for a store that outlives the process or is shared' })
  }
  if (read.port !== undefined && read.port !== 0 && read.port === read.managementPort) {
    faults.push({ name: 'MANAGEMENT_PORT', detail: 'must differ from PORT' })
  }
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    faults.push({ name: 'NODE_TLS_REJECT_UNAUTHORIZED', detail: 'must not be 0: tokens would go to anyone in the way' })
  }
  return faults
}

const storeOf = ({ sessionStore, redisUrl }: Pick<Read, 'sessionStore' | 'redisUrl'>) =>
  sessionStore ?? (redisUrl === undefined ? 'memory' : 'redis')

/** An address for a browser on this machine: the any-addresses are no address to go to. */
const ownUrl = ({ host, port, basePath }: Read): URL => {
  const reachable = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return new URL(`http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}${basePath}/`)
}

/** The effective settings as text, for people. A secret prints itself masked. */
export const shown = <T extends Table>(table: T, values: { readonly [K in keyof T]?: unknown }) =>
  Object.entries(table).map(([field, { name }]) => ({ name, value: String(values[field] ?? '') }))
