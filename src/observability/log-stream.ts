import { pino } from 'pino'

/** 16 MiB: lines that wait while the disk is full or the reader is slow. Further lines are lost. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024

export type LogStream = ReturnType<typeof pino.destination>

/** Options of pino's destination. */
export interface LogTarget {
  /** A file, or the number of an open one. */
  dest: string | number
  append?: boolean
  mode?: number
  /** Writes each line at once: none is lost when the process is killed. */
  sync?: boolean
}

/** Called with the code of the error when lines cannot be written, and with undefined when they can be again. */
export type ReportLogHealth = (code: string | undefined) => void

/**
 * Opens the destination of a log. A log that cannot be written, as on a full disk, neither fails requests nor blocks the
 * end of the process: its lines are buffered, and written when writing works again.
 */
export const openLogStream = (options: LogTarget, report: ReportLogHealth): LogStream => {
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
  const flushSync = stream.flushSync.bind(stream)
  const flushLines = options.sync ? () => undefined : joinLines(stream)
  // Called at the end of the process, also after an uncaught error.
  stream.flushSync = () => {
    flushLines()
    // It would retry forever.
    if (!isBroken) flushSync()
  }
  return stream
}

/** 25 ms: a line reaches its reader no later, and thousands of lines a second are few writes. */
const JOINED_MS = 25

/**
 * Writes the lines of some milliseconds together: a write costs more than all else that a line takes.
 * @returns what writes the lines that wait
 */
const joinLines = (stream: LogStream): (() => void) => {
  const write = stream.write.bind(stream)
  let lines = ''
  const flushLines = () => {
    if (lines !== '') write(lines)
    lines = ''
  }
  stream.write = line => {
    if (lines === '') setTimeout(flushLines, JOINED_MS)
    lines += line
    return true
  }
  return flushLines
}

/**
 * Escapes every character outside printable ASCII: the name of a file, for example, cannot end a line, reverse its
 * direction, or control the reader's terminal. JSON itself escapes only U+0000 to U+001F.
 */
export const escapeNonAscii = (line: string): string =>
  line.replace(/[^\n -~]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
