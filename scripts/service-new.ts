import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { scopes } from '../schemas/scopes.ts'
import { entryOf } from '../src/auth/services/registry.ts'

const USAGE = `npm run service:new -- <name> [--scope <scope>]… [--account <s3uid>]… [--days <days>]

  <name>     1 to 63 of a-z, 0-9 and -
  --scope    what the service may do: ${scopes.join(' ')}
             (without it: what reads and discloses no key)
  --account  an account that it may use (without it: all of the customer)
  --days     how long the credential lives (without it: 365)
`

/** What reads, and discloses no key. */
const HARMLESS = scopes.filter(scope => scope.endsWith(':read') && scope !== 'keys:read')

const DAY_MS = 24 * 3600 * 1000

/** Prints the secret of a new service once, and what the registry keeps of it. */
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
  const made = entryOf({
    id,
    secret,
    scopes: values.scope ?? HARMLESS,
    accounts: values.account,
    expiresAt: new Date(Date.now() + days * DAY_MS).toISOString(),
    apiKeyVariable: `HOSTKEY_API_KEY_${id.toUpperCase().replaceAll('-', '_')}`
  })
  if ('faults' in made) return refuse(`${made.faults.join('\n')}\n\n${USAGE}`)
  process.stdout.write(`The credential of ${id}. It is shown this once and kept nowhere: hand it to the service.

  hks_${id}_${secret}

It goes into every request: Authorization: Bearer hks_…

What the registry keeps of it. Add it to "services" in the file that SERVICES_FILE names:

${JSON.stringify(made.entry, null, 2)}

Put HOSTKEY's API key into the variable ${made.entry.apiKey.env} of the gateway, or name a file: "apiKey": { "file": "/run/secrets/…" }.
Then restart the gateway; for a change of the file alone, \`kill -HUP\` has it read again.
To replace the secret later, run this again and put the new hash beside the old one in "secrets"; remove the old one when the
service has changed over.
`)
}

const refuse = (text: string): void => {
  process.stderr.write(text)
  process.exitCode = 1
}

main()
