import { Compile } from 'typebox/compile'
import { AuditLine } from '../../../src/observability/audit-events.ts'
import { verifyAudit } from '../../../src/observability/audit-verification.ts'

const schema = Compile(AuditLine)

/** Lines of an audit log that its schema does not allow, and faults of its chains. */
export const auditFaultsIn = (text: string): string[] => {
  const lines = text.split('\n').filter(line => line !== '')
  const invalid = lines.filter(line => !schema.Check(JSON.parse(line)))
  return [
    ...invalid.map(line => `not of the schema: ${line} ${JSON.stringify([...schema.Errors(JSON.parse(line))])}`),
    ...verifyAudit([{ name: 'audit.log', text }]).faults.map(({ line, detail }) => `audit.log:${line} ${detail}`)
  ]
}
