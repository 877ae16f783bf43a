import { type DestinationStream, pino } from 'pino'
import { inAscii, type OnLogWriteError, openLogStream } from './log-stream.ts'

/** Who did what to which account, and how it ended. Never a secret. */
export interface AuditRecord {
  event: string
  /** The operation's `operationId`. */
  operation?: string | undefined
  /** `ok`, or the name of the problem. */
  outcome: string
  requestId: string
  authScheme?: string | undefined
  caller?: string | undefined
  customerId?: number | undefined
  ip?: string | undefined
  s3uid?: string | undefined
  /** What of the account: a bucket, a file, the half of a key pair. */
  target?: string | undefined
  /** The scope that the operation needs; of a refusal, the one that is wanting. */
  scope?: string | undefined
}

export interface Audit {
  record(entry: AuditRecord): void
}

/** The audit log: a stream of its own, one JSON line for each event. */
export const createAudit = (destination: DestinationStream): Audit => {
  const options = {
    base: { log: 'audit' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: inAscii }
  }
  const log = pino(options, destination)
  return { record: entry => log.info(entry) }
}

const STDOUT = 1

/** Opens the file, readable to its owner and group; standard output for `-`. @param told when lines cannot be written */
export const auditDestination = (target: string, told: OnLogWriteError): DestinationStream =>
  target === '-'
    ? openLogStream({ dest: STDOUT }, told)
    : openLogStream({ dest: target, mkdir: true, append: true, sync: true, mode: 0o640 }, told)
