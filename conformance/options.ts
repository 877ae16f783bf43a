import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** The options of one run. */
export interface Options {
  readonly target: 'gateway' | 'upstream'
  /** Base URL of the target; ends with a slash. */
  readonly url: URL
  readonly token: string
  readonly profile: 'read-only' | 'full'
  /** The sandbox that the gateway uses; verified before anything is written. */
  readonly sandbox: URL | undefined
  /** Call actions that return keys. */
  readonly readKeys: boolean
  /** File for the findings as JSON. */
  readonly json: string | undefined
  readonly ratePerSecond: number
  readonly maxRequests: number
  readonly timeoutMs: number
}

/** The command line is invalid. The message contains no value of an option. */
export class UsageError extends Error {}

export const USAGE = `npm run conformance -- --url <gateway> | --upstream <HOSTKEY>  [options]

  --url URL             a gateway, to compare with its OpenAPI document
  --upstream URL        the folder of s3.php and auth.php, to compare with the declared actions
  --token TOKEN         a HOSTKEY token, or for a gateway the credential of a service; npm prints it
  --token-file FILE     a file with the token; alternatively set the variable HOSTKEY_TOKEN
  --profile PROFILE     read-only (default), or full: also writes; only for a gateway
  --sandbox URL         with full: the sandbox that the gateway uses; verified before anything is written
  --i-know-this-costs   with full: write without a sandbox, and order a paid account
  --read-keys           also read an access key, without printing it
  --json FILE           write the findings as JSON
  --rate N              requests per second: default 2, on loopback 50; at most 2 for a remote upstream
  --max-requests N      default 60, for a gateway 150; at most 200
  --timeout SECONDS     of each request, default 30, at most 120

Exit code: 0 when everything conforms, 1 after failures or drift, 2 for an invalid command line.
`

/** Requests per second to other machines: low enough not to load them. */
const REMOTE_RATE = 2
const LOCAL_RATE = 50
/** Limit where the user sets one: only a typing error exceeds it. */
const MAX_RATE = 1000
const DEFAULT_REQUESTS = { gateway: 150, upstream: 60 }
const MAX_REQUESTS = 200

/** Reads the command line and the token. @throws UsageError */
export const optionsOf = (args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options => {
  const values = valuesOf(args)
  const { url: gateway, upstream } = values
  if ((gateway === undefined) === (upstream === undefined)) throw new UsageError('give one of --url and --upstream')
  const target = gateway === undefined ? 'upstream' : 'gateway'
  const url = addressOf(target === 'gateway' ? '--url' : '--upstream', gateway ?? upstream ?? '')
  const profile = values.profile ?? 'read-only'
  if (profile !== 'read-only' && profile !== 'full') throw new UsageError('--profile is read-only or full')
  const acceptsCosts = values['i-know-this-costs'] ?? false
  const sandbox = values.sandbox === undefined ? undefined : addressOf('--sandbox', values.sandbox)
  if (profile === 'full' && target === 'upstream')
    throw new UsageError('--profile full requires --url: an upstream is only read')
  if (profile === 'read-only' && (sandbox || acceptsCosts)) {
    throw new UsageError('--sandbox and --i-know-this-costs require --profile full')
  }
  if (profile === 'full' && !sandbox && !acceptsCosts) {
    throw new UsageError('--profile full writes: it requires --sandbox or --i-know-this-costs')
  }
  const defaultRate = isLocal(url) ? LOCAL_RATE : REMOTE_RATE
  const maxRate = target === 'upstream' && !isLocal(url) ? REMOTE_RATE : MAX_RATE
  return {
    target,
    url,
    token: tokenOf(values, env),
    profile,
    sandbox,
    readKeys: values['read-keys'] ?? false,
    json: values.json,
    ratePerSecond: numberOf('--rate', values.rate, defaultRate, maxRate),
    maxRequests: numberOf('--max-requests', values['max-requests'], DEFAULT_REQUESTS[target], MAX_REQUESTS),
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
    // Do not quote the argument: it may be a token whose option is missing.
    if (positionals.length > 0) throw new UsageError('an argument has no option')
    return values
  } catch (error) {
    if (error instanceof UsageError || !(error instanceof TypeError)) throw error
    const option = /--[a-z-]+/.exec(error.message)?.[0]
    throw new UsageError(
      option === undefined ? 'an option is invalid' : `${option} is unknown, or its value is missing`
    )
  }
}

const isLocal = ({ hostname }: URL) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)

const addressOf = (option: string, given: string): URL => {
  if (!URL.canParse(given)) throw new UsageError(`${option} is not a URL`)
  const url = new URL(given)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal(url))) {
    throw new UsageError(`${option} must be https, except on loopback`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError(`${option} must not contain credentials, a query or a fragment`)
  }
  if (/\.php$/.test(url.pathname))
    throw new UsageError(`${option} must be the folder of the scripts, without a file name`)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

const numberOf = (option: string, given: string | undefined, fallback: number, max: number): number => {
  const value = given === undefined ? fallback : Number(given)
  if (value > 0 && value <= max) return value
  throw new UsageError(`${option} must be a number above 0, here at most ${max}`)
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
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new UsageError('the token is invalid: it contains spaces or is too long')
  return token
}

const textIn = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new UsageError('the file of --token-file cannot be read')
  }
}
