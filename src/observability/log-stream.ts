import { pino } from 'pino'

/** 16 MiB: lines that wait while the disk is full or the reader is slow. Further lines are lost. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024

export type LogStream = ReturnType<typeof pino.destination>

/** Called with the code of the error when lines cannot be written, and with undefined when they can be again. */
export type ReportLogHealth = (code: string | undefined) => void

/**
 * Opens the destination of a log. A log that cannot be written, as on a full disk, neither fails requests nor blocks the
 * end of the process: its lines are buffered, and written when writing works again.
 */
export const openLogStream = (
  options: Parameters<typeof pino.destination>[0] & object,
  report: ReportLogHealth
): LogStream => {
  const stream = pino.destination({ ...options, maxLength: MAX_BUFFERED_BYTES })
  let isBroken = false
  // Without a listener the error would be thrown.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!isBroken) report(error.code ?? 'unknown')
    isBroken = true
  })
  stream.on('write', () => {
    if (isBroken) report(undefined)
    isBroken = false
  })
  // At the end of the process it would retry forever.
  const flushSync = stream.flushSync.bind(stream)
  stream.flushSync = () => {
    if (!isBroken) flushSync()
  }
  return stream
}

/**
 * Escapes every character outside printable ASCII: the name of a file, for example, cannot end a line, reverse its
 * direction, or control the reader's terminal. JSON itself escapes only U+0000 to U+001F.
 */
export const escapeNonAscii = (line: string): string =>
  line.replace(/[^\n -~]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
