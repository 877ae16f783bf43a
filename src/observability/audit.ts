import { type DestinationStream, pino } from 'pino'
import { escapeNonAscii, type LogStream, openLogStream, type ReportLogHealth } from './log-stream.ts'

/** Who did what to which account, and the outcome. Never a secret. */
export interface AuditRecord {
  event: string
  /** `operationId` of the operation. */
  operation?: string | undefined
  /** `ok`, or the name of the problem. */
  outcome: string
  requestId: string
  authScheme?: string | undefined
  caller?: string | undefined
  customerId?: number | undefined
  ip?: string | undefined
  s3uid?: string | undefined
  /** The part of the account: a bucket, a file, an access key or a secret key. */
  target?: string | undefined
  /** The scope that the operation needs; for `scope.refused`, the one that the caller lacks. */
  scope?: string | undefined
}

export interface Audit {
  record(entry: AuditRecord): void
}

/** The audit log: a separate stream with one JSON line for each event. */
export const createAudit = (destination: DestinationStream): Audit => {
  const options = {
    base: { log: 'audit' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: escapeNonAscii }
  }
  const log = pino(options, destination)
  return { record: entry => log.info(entry) }
}

const STDOUT = 1

/**
 * Opens the file, readable by its owner and group, or standard output for `-`. `reopen` opens the file again after a
 * program such as logrotate has renamed it.
 */
export const openAuditStream = (target: string, report: ReportLogHealth): LogStream =>
  target === '-'
    ? openLogStream({ dest: STDOUT }, report)
    : openLogStream({ dest: target, mkdir: true, append: true, sync: true, mode: 0o640 }, report)
