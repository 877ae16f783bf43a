import { isIP } from 'node:net'
import { Secret } from '../core/secret.ts'

/** Thrown by a reader: why a text does not fit. It never quotes the text, which may be a secret in the wrong place. */
export class Unfit extends Error {}

/** Reads the text of a setting. @throws Unfit */
export type Read<T> = (text: string) => T

/** One variable of the environment: what start-up reads and what the reference page prints. */
export interface Setting<T = unknown> {
  readonly name: string
  /** What it means; a sentence of the reference page. */
  readonly about: string
  /** Text taken when the variable is unset or empty. */
  readonly fallback: string
  /** Where the default depends on other settings: how, in words. */
  readonly otherwise?: string
  /** A secret is also read from the file that `<NAME>_FILE` names. */
  readonly secret?: true
  readonly read: Read<T>
}

export const setting = <T>(declared: Omit<Setting<T>, 'secret'>): Setting<T> => declared

/** A setting that holds a credential: what is read is sealed at once, so that nothing prints it. */
export const secretSetting = (declared: Omit<Setting<string>, 'secret'>): Setting<Secret | undefined> => ({
  ...declared,
  secret: true,
  read: text => (text === '' ? undefined : new Secret(declared.read(text)))
})

/** Shorter secrets can be guessed. */
const LEAST_SECRET_BYTES = 32

/** A setting that holds several credentials between commas, each at least 32 bytes long. */
export const secretListSetting = (declared: Omit<Setting<Secret[]>, 'secret' | 'read'>): Setting<Secret[]> => ({
  ...declared,
  secret: true,
  read: list(part =>
    Buffer.byteLength(part) >= LEAST_SECRET_BYTES
      ? new Secret(part)
      : refuse(`must be at least ${LEAST_SECRET_BYTES} bytes long`)
  )
})

const refuse = (detail: string): never => {
  throw new Unfit(detail)
}

/** An integer in plain digits: no sign, space, exponent, hexadecimal or leading zero. */
export const integer =
  (least: number, most: number): Read<number> =>
  text => {
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most
      ? value
      : refuse(`must be an integer from ${least} to ${most}, in plain digits`)
  }

/** One of a few words. */
export const word =
  <const W extends string>(...words: W[]): Read<W> =>
  text =>
    words.find(each => each === text) ?? refuse(`must be one of ${words.join(', ')}`)

/** Nothing, where the variable is unset. */
export const optional =
  <T>(read: Read<T>): Read<T | undefined> =>
  text =>
    text === '' ? undefined : read(text)

/** Parts between commas; spaces around a part do not count. Every part at fault is told. */
export const list =
  <T>(read: Read<T>): Read<T[]> =>
  text => {
    const faults: string[] = []
    const values = (text === '' ? [] : text.split(',')).flatMap((part, index) => {
      try {
        return [read(part.trim())]
      } catch (error) {
        if (!(error instanceof Unfit)) throw error
        faults.push(`${error.message} (entry ${index + 1})`)
        return []
      }
    })
    return faults.length > 0 ? refuse(faults.join('; ')) : values
  }

/** An address to listen on: an IP address or a host name. */
export const host: Read<string> = text =>
  isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)
    ? text
    : refuse('must be an IP address or a host name, without scheme and port')

/** Where the gateway is mounted: empty, or segments that each begin with a slash. */
export const mountPath: Read<string> = text =>
  /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/.test(text)
    ? text
    : refuse('must begin with a slash and not end with one, such as /storage')

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)

/** The base of other addresses: its path ends with a slash, so that a relative address goes below it. */
export const baseUrl: Read<URL> = text => {
  const url = parsed(text)
  if (url.username !== '' || url.password !== '') refuse('must not hold a user name or a password')
  if (/[?#]/.test(text)) refuse('must not hold a query or a fragment')
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/** Where a token is sent to: the same, encrypted unless it stays on this machine. */
export const upstreamBase: Read<URL> = text => {
  const url = baseUrl(text)
  if (url.protocol !== 'https:' && !isLoopback(url)) refuse('must begin with https://, except on a loopback address')
  if (/\.php\/$/.test(url.pathname)) refuse('must name the folder of s3.php and auth.php, not one of them')
  return url
}

/** An origin as browsers send it. */
export const origin: Read<string> = text => {
  if (text.includes('*') || text === 'null') refuse('must not be null or hold a *: any page could act for a caller')
  return parsed(text).origin === text
    ? text
    : refuse('must be exact origins between commas, such as https://console.example.com: no path, no slash at the end')
}

const parsed = (text: string): URL => {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return refuse('must be an absolute http or https address')
  return text === text.trim() ? url : refuse('must not begin or end with a space')
}

/** The address of a Redis; its password makes it a secret. */
export const redisUrl: Read<string> = text => {
  const url = URL.parse(text)
  return url?.protocol === 'redis:' || url?.protocol === 'rediss:'
    ? text
    : refuse('must begin with redis:// or rediss://')
}

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal']

/** A proxy that may say who the caller is: an address, a network, or a name for some. */
export const proxy: Read<string> = text => {
  if (NETWORKS.includes(text)) return text
  if (/^\d+$/.test(text)) refuse('must not be a number of hops: it cannot be checked who added them; list the proxies')
  if (text === 'true') refuse('must not be true: every caller could then forge its address; list the proxies')
  const [address = '', bits, ...rest] = text.split('/')
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  if (most === 0 || rest.length > 0) {
    refuse(`must be IP addresses, CIDR networks or ${NETWORKS.join(', ')}, between commas`)
  }
  if (bits !== undefined && !/^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/.test(bits)) {
    refuse('must have a prefix length from 1; /0 would trust every caller')
  }
  return Number(bits ?? 0) <= most ? text : refuse(`must have a prefix length of at most ${most}`)
}
