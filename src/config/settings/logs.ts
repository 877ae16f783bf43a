import { oneOf, type Setting, setting } from '../setting.ts'

/** What is logged, and where. */
export const logs = {
  logLevel: setting({
    name: 'LOG_LEVEL',
    description: 'Lowest level that is logged.',
    fallback: 'info',
    read: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')
  }),
  auditLog: setting({
    name: 'AUDIT_LOG',
    description: 'File of the audit log, or `-` for standard output. SIGHUP opens it again, after it was renamed.',
    fallback: '-',
    read: text => text
  })
} satisfies Record<string, Setting>
