import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { scopes } from '../schemas/scopes.ts'
import { createEntry } from '../src/auth/services/entry.ts'

const USAGE = `npm run service:new -- <name> [--scope <scope>]… [--account <s3uid>]… [--days <days>]

  <name>     1 to 63 characters of a-z 0-9 -
  --scope    what the service may do: ${scopes.join(' ')}
             (default: every scope that only reads, except keys:read)
  --account  an account that it may use (default: every account of the customer)
  --days     until the credential expires (default: 365)
`

const DEFAULT_SCOPES = scopes.filter(scope => scope.endsWith(':read') && scope !== 'keys:read')

const DAY_MS = 24 * 3600 * 1000

/** Prints the credential of a new service, and its entry for the registry, which holds only a hash of the secret. */
const main = () => {
  const { values, positionals } = parseArgs({
    options: {
      scope: { type: 'string', multiple: true },
      account: { type: 'string', multiple: true },
      days: { type: 'string', default: '365' }
    },
    allowPositionals: true
  })
  const [id, ...others] = positionals
  const days = /^[1-9]\d{0,3}$/.test(values.days) ? Number(values.days) : undefined
  if (id === undefined || others.length > 0 || days === undefined) return refuse(USAGE)
  const secret = randomBytes(32).toString('base64url')
  const created = createEntry({
    id,
    secret,
    scopes: values.scope ?? DEFAULT_SCOPES,
    accounts: values.account,
    expiresAt: new Date(Date.now() + days * DAY_MS).toISOString(),
    apiKeyVariable: `HOSTKEY_API_KEY_${id.toUpperCase().replaceAll('-', '_')}`
  })
  if ('faults' in created) return refuse(`${created.faults.join('\n')}\n\n${USAGE}`)
  process.stdout.write(`Credential of ${id}. It is shown once and not stored: hand it to the service.

  hks_${id}_${secret}

The service sends it in each request: Authorization: Bearer hks_…

Registry entry. Add it to "services" in the file that SERVICES_FILE names:

${JSON.stringify(created.entry, null, 2)}

Set the environment variable ${created.entry.apiKey.env} of the gateway to the API key of HOSTKEY, or name a file that
holds it: "apiKey": { "file": "/run/secrets/…" }.
Then restart the gateway. If only the registry file has changed, \`kill -HUP\` is enough.
To rotate the secret later, run this command again and add the new hash to "secrets". Remove the old hash when the service
uses the new credential.
`)
}

const refuse = (text: string): void => {
  process.stderr.write(text)
  process.exitCode = 1
}

main()
