import { timingSafeEqual } from 'node:crypto'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Scope } from '../../../schemas/scopes.ts'
import { isNetwork, trustOf } from '../../core/address.ts'
import { accountsOf } from '../../core/caller.ts'
import { Secret } from '../../core/secret.ts'
import { isQuoted, readTextFile, TextFileError } from '../../core/text-file.ts'
import { entryFaults, faultsOf, hashOf, isServiceEntry, type ServiceEntry } from './entry.ts'

/** An internal service. */
export interface Service {
  id: string
  scopes: ReadonlySet<Scope>
  /** The accounts that it may use; undefined: every account of the customer. */
  accounts: ReadonlySet<string> | undefined
  /** The only buckets that it may use, as `s3uid/bucket`; undefined: every bucket of its accounts. */
  buckets: ReadonlySet<string> | undefined
  /** The beginning of the path of every file that it may use. */
  pathPrefix: string | undefined
  /** May it call from this address? */
  mayCallFrom(address: string): boolean
  limitFactor: number
  /** Milliseconds since 1970; infinite when the credential does not expire. */
  expiresAt: number
  apiKey: Secret
  /** Is this one of its secrets? Compared in constant time. */
  owns(secret: string): boolean
  /** Does this hash belong to one of its secrets? */
  hasHash(hash: string): boolean
}

/** The registry file cannot be used. It lists every fault. */
export class RegistryError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(['Invalid service registry:', ...faults.map(fault => `  ${fault}`)].join('\n'))
    this.name = 'RegistryError'
    this.faults = faults
  }
}

/** The file as a whole. Each entry is checked separately, so that all faults are reported together. */
const file = Compile(Type.Object({ services: Type.Array(Type.Unknown()) }, { additionalProperties: false }))

/**
 * Reads the registry file and the API keys that it refers to.
 * @throws RegistryError with every fault; no fault quotes a secret
 */
export const loadRegistry = (path: string, env: NodeJS.ProcessEnv): ReadonlyMap<string, Service> => {
  const entries = readEntries(path)
  const faults: string[] = []
  const seen = new Set<string>()
  const services = new Map<string, Service>()
  for (const [index, entry] of entries.entries()) {
    if (!isServiceEntry(entry)) {
      faults.push(...entryFaults(entry, `/services/${index}`))
      continue
    }
    const { id, expiresAt } = entry
    const apiKey = apiKeyOf(entry, env)
    if (seen.has(id)) faults.push(`${id} is declared twice`)
    seen.add(id)
    // Such a credential would never expire.
    if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt))) faults.push(`${id}: expiresAt is not a date`)
    for (const network of entry.networks ?? []) {
      if (!isNetwork(network))
        faults.push(`${id}: networks must hold addresses with a prefix length, such as 10.1.0.0/16`)
    }
    if (typeof apiKey === 'string') faults.push(`${id}: ${apiKey}`)
    else services.set(id, toService(entry, apiKey))
  }
  if (faults.length > 0) throw new RegistryError(faults)
  return services
}

/** The entries of the file, which are not checked. @throws RegistryError */
export const readEntries = (path: string): readonly unknown[] => {
  const content = readJson(path)
  if (!file.Check(content)) throw new RegistryError(faultsOf(file, content, 'the file:'))
  return content.services
}

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readTextFile(path))
  } catch (error) {
    if (error instanceof TextFileError) throw new RegistryError([`${path} ${error.message}`])
    // The message of the error would quote the file.
    if (error instanceof SyntaxError) throw new RegistryError([`${path} is not JSON`])
    throw error
  }
}

/** The API key that an entry refers to, or the reason why there is none. */
const apiKeyOf = ({ apiKey }: ServiceEntry, env: NodeJS.ProcessEnv): Secret | string => {
  const where = 'env' in apiKey ? `the environment variable ${apiKey.env}` : `the file ${apiKey.file}`
  try {
    const key = 'env' in apiKey ? env[apiKey.env] : readTextFile(apiKey.file).trim()
    if (!key) return `${where} is ${key === '' ? 'empty' : 'not set'}`
    return isQuoted(key) ? `${where} is in quotes, which are part of the value: remove them` : new Secret(key)
  } catch (error) {
    if (error instanceof TextFileError) return `${where} ${error.message}`
    throw error
  }
}

const toService = (entry: ServiceEntry, apiKey: Secret): Service => {
  const { id, secrets, scopes, accounts, pathPrefix, networks, rate, expiresAt } = entry
  const buckets = entry.buckets && new Set(entry.buckets)
  const isInside = networks && trustOf(networks)
  const hashes = secrets.map(text => Buffer.from(text))
  return {
    id,
    scopes: new Set(scopes),
    accounts: accountsOf(accounts && new Set(accounts), buckets),
    buckets,
    pathPrefix,
    mayCallFrom: address => isInside === undefined || isInside(address),
    limitFactor: rate === 'high' ? 10 : 1,
    expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
    apiKey,
    owns: secret => isSecretOf(hashes, secret),
    hasHash: hash => secrets.includes(hash)
  }
}

/** Is one of these the hash of the secret? Every one is compared: the time does not tell which one matched. */
export const isSecretOf = (hashes: readonly Buffer[], secret: string): boolean => {
  const shown = Buffer.from(hashOf(secret))
  return hashes.map(known => timingSafeEqual(known, shown)).includes(true)
}
