import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** What a run is asked to do. */
export interface Options {
  readonly target: 'gateway' | 'upstream'
  /** Base of the target; its path ends in a slash. */
  readonly url: URL
  readonly token: string
  readonly profile: 'read-only' | 'full'
  /** Is it said that writes and bills are wanted? */
  readonly mayCost: boolean
  /** The sandbox that stands behind the gateway, to be proven. */
  readonly sandbox: URL | undefined
  /** May the actions be called that give out keys? */
  readonly readKeys: boolean
  readonly json: string | undefined
  readonly ratePerSecond: number
  readonly maxRequests: number
  readonly timeoutMs: number
}

/** The command line asks for something that cannot be done. Its message holds no value of an option. */
export class UsageError extends Error {}

export const USAGE = `npm run conformance -- --url <gateway> | --upstream <HOSTKEY>  [options]

  --url URL             a gateway: does it do what its document says?
  --upstream URL        the folder of s3.php and auth.php: does it answer as the actions are declared?
  --token TOKEN         a HOSTKEY token, or for a gateway the credential of a service
  --token-file FILE     a file that holds it; or the variable HOSTKEY_TOKEN does. Better: npm prints the command line
  --profile PROFILE     read-only (default), or full: also writes, to a gateway only
  --sandbox URL         with full: the sandbox behind the gateway; it is proven before anything is written
  --i-know-this-costs   with full: write all the same, and order a paid account
  --read-keys           also read an access key; it is not printed
  --json FILE           write the findings as JSON
  --rate N              requests a second: default 2, and no more than 2 for an upstream; on this machine 50
  --max-requests N      default 60, for a gateway 100; 200 at most
  --timeout SECONDS     for each request, default 30

Ends with 0 when all conforms, 1 with failures or drift, 2 when it was called wrongly.
`

/** For others' machines: slow enough to be no load. */
const POLITE_RATE = 2
const LOCAL_RATE = 50
const USUAL_REQUESTS = { gateway: 100, upstream: 60 }
const MOST_REQUESTS = 200

/**
 * Reads the command line, and the token from where it is.
 * @throws UsageError
 */
export const optionsOf = (args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options => {
  const values = valuesOf(args)
  const { url: gateway, upstream } = values
  if ((gateway === undefined) === (upstream === undefined)) throw new UsageError('give one of --url and --upstream')
  const target = gateway === undefined ? 'upstream' : 'gateway'
  const url = addressOf(target === 'gateway' ? '--url' : '--upstream', gateway ?? upstream ?? '')
  const profile = values.profile ?? 'read-only'
  if (profile !== 'read-only' && profile !== 'full') throw new UsageError('--profile is read-only or full')
  const mayCost = values['i-know-this-costs'] ?? false
  const sandbox = values.sandbox === undefined ? undefined : addressOf('--sandbox', values.sandbox)
  if (profile === 'full' && target === 'upstream')
    throw new UsageError('an upstream is only read: --profile full is for a gateway')
  if (profile === 'read-only' && (sandbox || mayCost)) {
    throw new UsageError('--sandbox and --i-know-this-costs go with --profile full')
  }
  if (profile === 'full' && !sandbox && !mayCost) {
    throw new UsageError(
      '--profile full writes: name the sandbox behind the gateway with --sandbox, or say --i-know-this-costs'
    )
  }
  const usual = isLocal(url) ? LOCAL_RATE : POLITE_RATE
  const mostRate = target === 'upstream' && !isLocal(url) ? POLITE_RATE : 1000
  return {
    target,
    url,
    token: tokenOf(values, env),
    profile,
    mayCost,
    sandbox,
    readKeys: values['read-keys'] ?? false,
    json: values.json,
    ratePerSecond: numberOf('--rate', values.rate, usual, mostRate),
    maxRequests: numberOf('--max-requests', values['max-requests'], USUAL_REQUESTS[target], MOST_REQUESTS),
    timeoutMs: numberOf('--timeout', values.timeout, 30, 120) * 1000
  }
}

const text = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const valuesOf = (args: readonly string[]) => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: text,
        upstream: text,
        token: text,
        'token-file': text,
        profile: text,
        sandbox: text,
        'i-know-this-costs': flag,
        'read-keys': flag,
        json: text,
        rate: text,
        'max-requests': text,
        timeout: text
      }
    })
    // What stands there may be a token that lost its option: it is not repeated.
    if (positionals.length > 0) throw new UsageError('there is a word that belongs to no option')
    return values
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof TypeError)) throw error
    const option = /--[a-z-]+/.exec(error.message)?.[0]
    throw new UsageError(
      option === undefined ? 'an option cannot be read' : `${option} is unknown, or its value is missing`
    )
  }
}

const isLocal = ({ hostname }: URL) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

const addressOf = (option: string, given: string): URL => {
  if (!URL.canParse(given)) throw new UsageError(`${option} is no URL`)
  const url = new URL(given)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal(url))) {
    throw new UsageError(`${option} must be https: a token in the clear can be read on the way`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError(`${option} holds more than an address`)
  }
  if (/\.php$/.test(url.pathname)) throw new UsageError(`${option} is the folder of the scripts, without their name`)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

const numberOf = (option: string, given: string | undefined, otherwise: number, most: number): number => {
  const value = given === undefined ? otherwise : Number(given)
  if (value > 0 && value <= most) return value
  throw new UsageError(`${option} is a number above 0 and up to ${most} here`)
}

interface TokenValues {
  readonly token?: string | undefined
  readonly 'token-file'?: string | undefined
}

const tokenOf = (values: TokenValues, env: Readonly<Record<string, string | undefined>>): string => {
  const { token: given, 'token-file': file } = values
  if (given !== undefined && file !== undefined) throw new UsageError('give one of --token and --token-file')
  const token = (file === undefined ? (given ?? env['HOSTKEY_TOKEN'] ?? '') : textIn(file)).trim()
  if (token === '') throw new UsageError('give a token: --token-file, the variable HOSTKEY_TOKEN, or --token')
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new UsageError('the token is none: it holds a space or is too long')
  return token
}

const textIn = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UsageError('the file of --token-file cannot be read')
  }
}
