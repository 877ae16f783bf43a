import { dirname } from 'node:path'
import type { DestinationStream } from 'pino'
import { createFolder } from '../core/folder.ts'
import { type ChainHead, createAuditChain } from './audit-chain.ts'
import type { AuditEvent, AuditRecord } from './audit-events.ts'
import { escapeNonAscii, type LogStream, openLogStream, type ReportLogHealth } from './log-stream.ts'
import { timeNow } from './log-time.ts'

/** Who did what to which account, and the outcome. Never a secret. */
export interface Audit {
  record(entry: AuditRecord): void
  /** The last line, for another log to name: without it nothing tells that the last lines of the file are missing. */
  head(): ChainHead | undefined
}

/** A destination that is a file has its name, and another descriptor after it was opened again. */
type Destination = DestinationStream & { file?: string | null; fd?: number }

/** The audit log: a separate stream with one JSON line for each event, each linked to the line before it. */
export const createAudit = (
  destination: Destination,
  count: (event: AuditEvent, outcome: string) => void = () => undefined
): Audit => {
  const chain = createAuditChain(destination.file ?? undefined)
  const write = (entry: AuditRecord) => destination.write(chain.link(membersOf(entry)))
  let openedFd: number | undefined
  return {
    record(entry) {
      // At the first event, so that an idle process writes nothing; and again in the file that follows a rotated one.
      const isReopened = destination.fd !== openedFd
      openedFd = destination.fd
      if (isReopened || chain.head() === undefined) write({ event: 'audit.opened', outcome: 'ok' })
      write(entry)
      count(entry.event, entry.outcome)
    },
    head: chain.head
  }
}

/** A line without its closing brace. Not by pino, which takes longer for it. */
const membersOf = (entry: AuditRecord): string =>
  `{"level":"info","time":"${timeNow()}","log":"audit",${escapeNonAscii(JSON.stringify(entry)).slice(1, -1)}`

const STDOUT = 1

/**
 * Opens the file, readable by its owner and group, or standard output for `-`. `reopen` opens the file again after a
 * program such as logrotate has renamed it.
 */
export const openAuditStream = (target: string, report: ReportLogHealth): LogStream => {
  if (target === '-') return openLogStream({ dest: STDOUT }, report)
  createFolder(dirname(target), 0o750)
  return openLogStream({ dest: target, append: true, sync: true, mode: 0o640 }, report)
}
