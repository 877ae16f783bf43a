import { hash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { scopes } from '../../../schemas/scopes.ts'

/** One internal service, as the registry file declares it. */
const ServiceEntry = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }),
    /** SHA-256 of the secret, hexadecimal; two while the secret is rotated. */
    secrets: Type.Array(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }), { minItems: 1, maxItems: 2 }),
    scopes: Type.Array(Type.Enum([...scopes]), { minItems: 1, uniqueItems: true }),
    /** The accounts that it may use; absent: every account of the customer. */
    accounts: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }), { minItems: 1 })),
    /** The only buckets that it may use, as `s3uid/bucket`. */
    buckets: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}/[^/\\u0000-\\u001f\\u007f]{1,255}$' }), { minItems: 1 })
    ),
    /** The beginning of the path of every file that it may use. */
    pathPrefix: Type.Optional(Type.String({ pattern: '^[^\\u0000]{1,1023}/$' })),
    /** The networks from which it may call, CIDR: `10.1.0.0/16`, `2001:db8::/32`. */
    networks: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}/\\d{1,3}$' }), { minItems: 1 })),
    /** Multiplies the rate limits: `standard` (default) by 1, `high` by 10. */
    rate: Type.Optional(Type.Enum(['standard', 'high'])),
    /** When the credential expires, RFC 3339. */
    expiresAt: Type.Optional(
      Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$' })
    ),
    /** Where the API key of HOSTKEY is read from: the registry file itself holds no secret. */
    apiKey: Type.Union([
      Type.Object({ env: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,127}$' }) }, { additionalProperties: false }),
      Type.Object({ file: Type.String({ minLength: 1 }) }, { additionalProperties: false })
    ])
  },
  { additionalProperties: false }
)
export type ServiceEntry = Static<typeof ServiceEntry>

const check = Compile(ServiceEntry)

export const isServiceEntry = (value: unknown): value is ServiceEntry => check.Check(value)

/** What is wrong with an entry. @param path of the entry in the file */
export const entryFaults = (value: unknown, path: string): string[] => faultsOf(check, value, path)

/** What the schema finds wrong, and where: names of members, never their values, which may be secrets. */
export const faultsOf = (check: Pick<Validator, 'Errors'>, value: unknown, path: string): string[] => [
  ...new Set(
    check
      .Errors(value)
      // An unknown member is reported a second time, with its own path.
      .filter(({ keyword }) => keyword !== 'additionalProperties')
      .map(error => `${path}${error.instancePath} ${messageOf(error)}`)
  )
]

const messageOf = (error: ReturnType<Validator['Errors']>[number]): string => {
  if (error.keyword === 'boolean') return 'is unknown'
  if (error.keyword === 'enum') return `must be one of ${error.params.allowedValues.join(', ')}`
  return error.message
}

/** The form in which the registry keeps a secret. */
export const hashOf = (secret: string): string => `sha256:${hash('sha256', secret)}`

interface NewService {
  id: string
  secret: string
  scopes: readonly string[]
  accounts: readonly string[] | undefined
  expiresAt: string
  /** Environment variable that holds the API key of HOSTKEY. */
  apiKeyVariable: string
}

/** The registry entry of a new service, or what is wrong with it. */
export const createEntry = ({ id, secret, scopes, accounts, expiresAt, apiKeyVariable }: NewService) => {
  const apiKey = { env: apiKeyVariable }
  const entry = { id, secrets: [hashOf(secret)], scopes, ...(accounts && { accounts }), expiresAt, apiKey }
  return check.Check(entry) ? { entry } : { faults: entryFaults(entry, '') }
}
