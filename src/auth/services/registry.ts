import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Scope, scopes } from '../../../schemas/scopes.ts'
import { Secret } from '../../core/secret.ts'

/** One internal service, as the registry file declares it. */
const Entry = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
    /** SHA-256 of the secret, hexadecimal; two while one replaces the other. */
    secrets: Type.Array(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }), { minItems: 1, maxItems: 2 }),
    scopes: Type.Array(Type.Enum([...scopes]), { minItems: 1, uniqueItems: true }),
    /** The accounts that it may use; all of the customer when absent. */
    accounts: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }), { minItems: 1 })),
    /** How many times the usual limits: `standard` 1, `high` 10. */
    rate: Type.Optional(Type.Enum(['standard', 'high'])),
    /** No credential works after this moment, RFC 3339. */
    expiresAt: Type.Optional(
      Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$' })
    ),
    /** Where HOSTKEY's API key is found: the file itself holds no secret. */
    apiKey: Type.Union([
      Type.Object({ env: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,127}$' }) }, { additionalProperties: false }),
      Type.Object({ file: Type.String({ minLength: 1 }) }, { additionalProperties: false })
    ])
  },
  { additionalProperties: false }
)

/** The file as a whole; each entry is checked by itself, so that every fault is told at once. */
const RegistryFile = Type.Object({ services: Type.Array(Type.Unknown()) }, { additionalProperties: false })

export type ServiceEntry = Static<typeof Entry>

/** An internal service that may call. */
export interface Service {
  id: string
  scopes: ReadonlySet<Scope>
  accounts: ReadonlySet<string> | undefined
  limitFactor: number
  /** Milliseconds since 1970; infinite when it never ends. */
  expiresAt: number
  apiKey: Secret
  /** Is this its secret? Compared in constant time. */
  owns(secret: string): boolean
}

/** The registry cannot be used: all that is wrong with it, at once. */
export class RegistryError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(['The registry of services is not usable:', ...faults.map(fault => `  ${fault}`)].join('\n'))
    this.name = 'RegistryError'
    this.faults = faults
  }
}

const file = Compile(RegistryFile)
const entry = Compile(Entry)

/** Where each fault is and what it is: names of members, never their values. */
const faultsOf = (check: typeof file | typeof entry, value: unknown, at: string): string[] => [
  ...new Set(
    check
      .Errors(value)
      // The unknown member is told by itself, and by its own path.
      .filter(({ keyword }) => keyword !== 'additionalProperties')
      .map(error => `${at}${error.instancePath} ${textOf(error)}`)
  )
]

const textOf = (error: ReturnType<typeof entry.Errors>[number]): string => {
  if (error.keyword === 'boolean') return 'is unknown'
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`
  return error.message
}

/**
 * Reads the registry file and the API keys that it refers to.
 * @throws RegistryError with every fault; no fault quotes a secret
 */
export const loadRegistry = (path: string, env: NodeJS.ProcessEnv): ReadonlyMap<string, Service> => {
  const content = parsed(path)
  if (!file.Check(content)) throw new RegistryError(faultsOf(file, content, 'the file:'))
  const faults: string[] = []
  const seen = new Set<string>()
  const services = new Map<string, Service>()
  for (const [index, declared] of content.services.entries()) {
    if (!entry.Check(declared)) {
      faults.push(...faultsOf(entry, declared, `/services/${index}`))
      continue
    }
    const { id, expiresAt } = declared
    const apiKey = keyOf(declared, env)
    if (seen.has(id)) faults.push(`${id} is declared twice`)
    seen.add(id)
    // A moment that does not exist would be one that never comes.
    if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt))) faults.push(`${id}: expiresAt is no moment`)
    if (typeof apiKey === 'string') faults.push(`${id}: ${apiKey}`)
    else services.set(id, toService(declared, apiKey))
  }
  if (faults.length > 0) throw new RegistryError(faults)
  return services
}

const parsed = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'not JSON'
    throw new RegistryError([`${path} cannot be read (${reason})`])
  }
}

/** The key that an entry refers to, or why there is none. */
const keyOf = ({ apiKey }: ServiceEntry, env: NodeJS.ProcessEnv): Secret | string => {
  if ('env' in apiKey)
    return env[apiKey.env] ? new Secret(env[apiKey.env] ?? '') : `the variable ${apiKey.env} is empty`
  try {
    const key = readFileSync(apiKey.file, 'utf8').trim()
    return key === '' ? `the file ${apiKey.file} is empty` : new Secret(key)
  } catch {
    return `the file ${apiKey.file} cannot be read`
  }
}

/** What the registry keeps of a secret. */
export const hashOf = (secret: string): string => `sha256:${createHash('sha256').update(secret).digest('hex')}`

/** What a new service is declared with. */
interface NewService {
  id: string
  secret: string
  scopes: readonly string[]
  accounts: readonly string[] | undefined
  expiresAt: string
  /** Name of the variable that holds HOSTKEY's API key. */
  apiKeyVariable: string
}

/** The registry entry of a new service, or what is wrong with it. */
export const entryOf = ({ id, secret, scopes, accounts, expiresAt, apiKeyVariable }: NewService) => {
  const apiKey = { env: apiKeyVariable }
  const declared = { id, secrets: [hashOf(secret)], scopes, ...(accounts && { accounts }), expiresAt, apiKey }
  return entry.Check(declared) ? { entry: declared } : { faults: faultsOf(entry, declared, '') }
}

const toService = ({ id, secrets, scopes, accounts, rate, expiresAt }: ServiceEntry, apiKey: Secret): Service => ({
  id,
  scopes: new Set(scopes),
  accounts: accounts && new Set(accounts),
  limitFactor: rate === 'high' ? 10 : 1,
  expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
  apiKey,
  owns: secret => secrets.map(hash => timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(secret)))).includes(true)
})
