import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { inAscii, openLogStream } from './log-stream.ts'

/** Members that never reach a line, should somebody log an object that holds one: the net under the allow-lists. */
const REDACTED = ['token', 'apiKey', 'password', 'key', 'access_key', 'secret_key', 'authorization', 'cookie'].flatMap(
  name => [name, `*.${name}`, `*.*.${name}`]
)

/** Only what is known to be harmless of an error: never a message from a library, which may quote what it was given. */
const safeError = (error: unknown) => {
  if (!(error instanceof Error)) return { type: typeof error }
  const { type, stack } = stdSerializers.err(error)
  // The frames without the first lines, which repeat the message.
  const frames = (stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  return { type, code: 'code' in error ? error.code : undefined, stack: frames.slice(0, 20).join('\n') }
}

const STDOUT = 1
const STDERR = 2

/** Standard output, where a log goes. That it cannot be written is told on standard error, which may be as full. */
const standardOutput = (): DestinationStream =>
  openLogStream({ dest: STDOUT }, code => {
    if (code === undefined) return
    try {
      writeSync(STDERR, `The log cannot be written (${code}); the gateway goes on.\n`)
    } catch {
      // Nobody is left to be told.
    }
  })

/** JSON lines. Nothing of a request is logged but what `plugins/measure` names. @param destination standard output when absent */
export const createLog = (level: string, destination: DestinationStream = standardOutput()): Logger => {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: safeError, req: () => undefined, res: () => undefined },
    hooks: { streamWrite: inAscii }
  }
  return pino(options, destination)
}
