import { randomBytes, randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashOf, type ServiceEntry } from '../../../src/auth/services/entry.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { gateway } from './gateway.ts'
import type { Lifetime } from './lifetime.ts'
import { temporaryFolder } from './replicas.ts'

/** Settings of a service; the others come from `standard`. */
type ServiceSettings = Partial<Omit<ServiceEntry, 'id' | 'secrets' | 'apiKey'>> & {
  /** The customer of the fixture whose API key the service uses. */
  customer?: string
}

export const newSecret = () => randomBytes(32).toString('base64url')

export const credentialOf = (id: string, secret: string) => `hks_${id}_${secret}`

/** A gateway with these services, and the credential of each. */
export const withServices = async <const Id extends string>(
  t: Lifetime,
  requested: Record<Id, ServiceSettings>,
  env: Record<string, string> = {}
) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const keys: Record<string, string> = {}
  // Object.entries loses the literal types of the names.
  const services = (Object.entries(requested) as [Id, ServiceSettings][]).map(
    ([id, { customer = 'demo', ...rest }]) => {
      const variable = `KEY_${id.toUpperCase().replaceAll('-', '_')}`
      keys[variable] = sandbox.control.customer(customer).apiKeys[0]?.key ?? ''
      const secret = newSecret()
      const entry: ServiceEntry = {
        scopes: ['accounts:read', 'buckets:read'],
        ...rest,
        id,
        secrets: [hashOf(secret)],
        apiKey: { env: variable }
      }
      return { id, entry, token: credentialOf(id, secret) }
    }
  )
  const servicesFile = join(temporaryFolder(t), 'services.json')
  writeFileSync(servicesFile, JSON.stringify({ services: services.map(({ entry }) => entry) }))
  const running = await gateway(t, { SERVICES_FILE: servicesFile, ...keys, ...env }, { sandbox })
  const tokens = Object.fromEntries(services.map(({ id, token }) => [id, { token }])) as Record<Id, { token: string }>
  return {
    ...running,
    servicesFile,
    entries: services.map(({ entry }) => entry),
    /** The credential of each service. */
    as: tokens,
    /** Number of logins at the sandbox. */
    logins: () => sandbox.control.counters()['login'] ?? 0
  }
}
