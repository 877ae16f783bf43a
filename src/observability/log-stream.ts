import { pino } from 'pino'

/** 16 MiB: what waits while a disk is full or a reader is slow; lines beyond it are lost. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

export type Lines = ReturnType<typeof pino.destination>

/** What is told when lines cannot be written any more: the code of the error; and undefined when they can again. */
export type OnLogWriteError = (code: string | undefined) => void

/**
 * Where the lines of a log go. One that cannot be written, as on a full disk, fails no request and does not keep the
 * process from ending: its lines wait, and are written when there is room again.
 */
export const openLogStream = (
  options: Parameters<typeof pino.destination>[0] & object,
  told: OnLogWriteError
): Lines => {
  const lines = pino.destination({ ...options, maxLength: MAX_WAITING_BYTES })
  let isBroken = false
  // Without a listener the error would be thrown at whoever writes a line.
  lines.on('error', (error: NodeJS.ErrnoException) => {
    if (!isBroken) told(error.code ?? 'unknown')
    isBroken = true
  })
  lines.on('write', () => {
    if (isBroken) told(undefined)
    isBroken = false
  })
  // At the end of the process it would try for ever.
  const flushSync = lines.flushSync.bind(lines)
  lines.flushSync = () => {
    if (!isBroken) flushSync()
  }
  return lines
}

/**
 * The same JSON in ASCII: what a caller has named, such as a file, can neither turn a line round, nor end it, nor speak
 * to the terminal of whoever reads it. JSON itself escapes no more than U+0000 to U+001F.
 */
export const inAscii = (line: string): string =>
  line.replace(/[^\n -~]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
