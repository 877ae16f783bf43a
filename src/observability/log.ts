import { writeSync } from 'node:fs'
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { escapeNonAscii, openLogStream } from './log-stream.ts'
import { timeMember } from './log-time.ts'

/** Members that are redacted if an object with one of them is logged. A second guard: what is logged is listed explicitly. */
const REDACTED = ['token', 'apiKey', 'password', 'key', 'access_key', 'secret_key', 'authorization', 'cookie'].flatMap(
  name => [name, `*.${name}`, `*.*.${name}`]
)

/** The parts of an error that hold no data of the caller. Not its message: a library may quote its input there. */
const safeError = (error: unknown) => {
  if (!(error instanceof Error)) return { type: typeof error }
  const { type, stack } = stdSerializers.err(error)
  // Without the first lines, which repeat the message.
  const frames = (stack ?? '').split('\n').filter(line => /^\s+at /.test(line))
  return { type, code: 'code' in error ? error.code : undefined, stack: frames.slice(0, 20).join('\n') }
}

const STDOUT = 1
const STDERR = 2

/** Standard output. When it cannot be written, standard error reports that, unless it cannot be written either. */
const standardOutput = (): DestinationStream =>
  openLogStream({ dest: STDOUT }, code => {
    if (code === undefined) return
    try {
      writeSync(STDERR, `Cannot write the log (${code}); the gateway keeps running.\n`)
    } catch {
      // There is no other place to report it.
    }
  })

/**
 * The log: one JSON line for each event. Of a request it holds only what `plugins/telemetry` lists.
 * @param destination default: standard output
 */
export const createLog = (level: string, destination: DestinationStream = standardOutput()): Logger => {
  const options = {
    level,
    base: null,
    timestamp: timeMember,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: safeError, req: () => undefined, res: () => undefined },
    hooks: { streamWrite: escapeNonAscii }
  }
  return pino(options, destination)
}
