import { randomBytes } from 'node:crypto'
import { scopes } from '../schemas/scopes.ts'
import { createEntry, type ServiceEntry } from '../src/auth/services/entry.ts'
import { addToRegistry } from '../src/auth/services/registry-write.ts'
import { CommandFault, readCommandLine, runCommand } from '../src/core/command-line.ts'

const USAGE = `npm run service:new -- <name> [--scope SCOPE]… [--account S3UID]… [--days DAYS] [--write [FILE]]

Creates the credential of an internal service, and its entry for the service registry.

  <name>           1 to 63 characters of a-z 0-9 -
  --scope SCOPE    what the service may do: ${scopes.join(' ')}
                   (default: every scope that only reads, except keys:read)
  --account S3UID  an account that it may use (default: every account of the customer)
  --days DAYS      until the credential expires (default: 365)
  --write [FILE]   adds the entry to the registry file (default: the one that SERVICES_FILE names)
`

const DEFAULT_SCOPES = scopes.filter(scope => scope.endsWith(':read') && scope !== 'keys:read')

const DAY_MS = 24 * 3600 * 1000

const { values, positionals } = readCommandLine({
  usage: USAGE,
  options: {
    scope: { type: 'string', multiple: true },
    account: { type: 'string', multiple: true },
    days: { type: 'string', default: '365' },
    write: { type: 'boolean', default: false }
  },
  // The name, and the file of --write.
  maxArguments: 2
})

/** Prints the credential of a new service; its entry, which holds only a hash of the secret, is printed or written. */
const createService = () => {
  const [id, named, ...others] = positionals
  const days = /^[1-9]\d{0,3}$/.test(values.days) ? Number(values.days) : undefined
  if (id === undefined || others.length > 0) throw invalid('Give one name.')
  if (named !== undefined && !values.write) throw invalid('Only --write takes a file.')
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) throw invalid('The name is 1 to 63 characters of a-z 0-9 -.')
  if (days === undefined) throw invalid('--days is a number from 1 to 9999.')
  const secret = randomBytes(32).toString('base64url')
  const created = createEntry({
    id,
    secret,
    scopes: values.scope ?? DEFAULT_SCOPES,
    accounts: values.account,
    expiresAt: new Date(Date.now() + days * DAY_MS).toISOString(),
    apiKeyVariable: `HOSTKEY_API_KEY_${id.toUpperCase().replaceAll('-', '_')}`
  })
  if ('faults' in created) throw invalid(`${created.faults.map(fault => fault.replace(/^\//, '')).join('; ')}.`)
  const { entry } = created
  const file = values.write ? writeEntry(entry, named) : undefined
  process.stdout.write(`Credential of ${id}. It is shown once and not stored: hand it to the service.

  hks_${id}_${secret}

The service sends it in each request: Authorization: Bearer hks_…

${file === undefined ? `Registry entry. Add it to "services" in the file that SERVICES_FILE names:\n\n${JSON.stringify(entry, null, 2)}` : `Its entry is in ${file}.`}

Set the environment variable ${entry.apiKey.env} of the gateway to the API key of HOSTKEY, or name a file that
holds it: "apiKey": { "file": "/run/secrets/…" }.
Then restart the gateway. If only the registry file has changed, \`kill -HUP\` is enough.
To rotate the secret later, run this command again and add the new hash to "secrets". Remove the old hash when the service
uses the new credential.
`)
}

const invalid = (reason: string) => new CommandFault(`${reason} See: npm run service:new -- --help`)

const writeEntry = (entry: ServiceEntry, named = process.env['SERVICES_FILE'] || undefined): string => {
  if (named === undefined) throw invalid('--write needs a file, or the setting SERVICES_FILE.')
  addToRegistry(named, entry)
  return named
}

await runCommand(createService)
