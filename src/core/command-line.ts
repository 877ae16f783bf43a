import { writeSync } from 'node:fs'
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

/** What keeps a command from its work, in one sentence. */
export class CommandFault extends Error {}

interface CommandLine<O extends ParseArgsOptionsConfig> {
  /** The text of `--help`. It begins with the command: `npm run orders -- …`. */
  usage: string
  options?: O
  /** How many arguments without an option are accepted. */
  maxArguments?: number
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const

/**
 * Reads the command line of this process. `--help` prints the usage and ends the process; an invalid command line ends it
 * with one sentence, which quotes no value: it may be a misplaced secret.
 */
export const readCommandLine = <const O extends ParseArgsOptionsConfig = Record<never, never>>({
  usage,
  options,
  maxArguments = 0
}: CommandLine<O>) => {
  try {
    const { values, positionals } = parseArgs({
      options: { ...(options as O), ...HELP },
      allowPositionals: maxArguments > 0
    })
    if ((values as { help?: boolean }).help) {
      writeSync(1, usage)
      process.exit(0)
    }
    if (positionals.length > maxArguments) throw new CommandFault('There are too many arguments.')
    // Node's types know positionals only where the option is the literal `true`.
    return { values, positionals: positionals as string[] }
  } catch (error) {
    const [command] = /^npm [\w: ]*\w/.exec(usage) ?? ['the command']
    const help = command === 'npm start' || command.startsWith('npm run') ? `${command} -- --help` : '--help'
    writeSync(2, `${commandLineFault(error)} See: ${help}\n`)
    process.exit(1)
  }
}

const commandLineFault = (error: unknown): string => {
  if (!(error instanceof Error)) return 'The command line is invalid.'
  const code = 'code' in error ? error.code : undefined
  // The first quoted text of these is the name of the option.
  const [option = 'An option'] = /'-[^'= ]*/.exec(error.message) ?? []
  const name = option.replace("'", '')
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `${name} is not an option.`
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return `${name} needs a value, or takes none.`
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'An argument is not expected.'
  return error.message
}

/** Runs a command. A fault is printed as one sentence, without a stack, and ends the process with exit code 1. */
export const runCommand = async (work: () => void | Promise<void>): Promise<void> => {
  // A reader such as `head` ends first.
  process.stdout.on('error', () => process.exit(0))
  try {
    await work()
  } catch (error) {
    process.stderr.write(`${faultOf(error)}\n`)
    process.exitCode = 1
  }
}

/** The message, and that of its cause: only the cause of `the store does not answer` says why. */
const faultOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const { message, cause } = error
  if (cause === undefined) return message
  if (cause instanceof Error) return `${message}: ${cause.message}`
  return typeof cause === 'object' && cause !== null && 'detail' in cause
    ? String(cause.detail)
    : `${message}: ${cause}`
}
