import { AuditLine, auditEvents } from '../../src/observability/audit-events.ts'
import { code, page, table } from './markdown.ts'

/** The JSON schema of a line. */
export const auditSchema = (): string =>
  `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...AuditLine }, null, 2)}\n`

const isRequired = (name: string) => (AuditLine.required as string[]).includes(name)

export const auditPage = (): string =>
  page(
    'Audit log',
    '`src/observability/audit-events.ts`',
    'One line of JSON for each event: [JSON schema](audit-log.schema.json). No line holds a credential. [Observe](../how-to/observe.md#who-did-what) shows how to read and verify it.',
    '## Events',
    table(
      ['Event', 'Question that it answers'],
      Object.entries(auditEvents).map(([name, question]) => [code(name), question])
    ),
    'A request without a valid credential is in the request log only, except a login and a wrong secret of a service. A limit is recorded once for each caller in its window.',
    '## Members',
    table(
      ['Member', 'Always', 'Meaning'],
      Object.entries(AuditLine.properties as Record<string, { description?: string; const?: string }>).map(
        ([name, { description, const: only }]) => [
          code(name),
          isRequired(name) ? 'yes' : '',
          description ?? (only === undefined ? 'Time of the line, RFC 3339.' : `Always ${code(only)}.`)
        ]
      )
    ),
    '`account` depends on `SESSION_SECRET`: after its rotation the same account has another hash. A bearer token is named by its fingerprint; its `customerId` is in each line once the gateway has looked the token up: for an order, a free account, a read of a key pair, or `GET /session`. Before, only the fingerprint names the caller: the same fingerprint in a later line tells the customer.',
    '## Chain',
    'Each line has the hash of the line before it. `npm run audit:verify -- FILE...` names each line that was changed or cut, and each place where lines are missing or in another order. Each process has a chain of its own, which begins with `audit.opened` and names the last line that the file had. After a rotation (rename the file, then send SIGHUP; do not copy and truncate) the chain continues in the new file with `audit.opened`. Lines that are missing at the end are found by the next line, or by `--head`: a gateway that stops logs the hash of its last line as `end of the audit log`.'
  )
