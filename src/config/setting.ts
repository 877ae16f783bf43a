import { isIP } from 'node:net'
import { isLoopback } from '../core/address.ts'
import { Secret } from '../core/secret.ts'
import type { StorageEndpoint } from '../core/storage-endpoint.ts'

/** Thrown by a reader: why a value is not valid. The message never quotes the value, which can be a misplaced secret. */
export class InvalidSetting extends Error {}

/** Why one variable is not valid. The value is never quoted. */
export interface ConfigFault {
  name: string
  detail: string
}

/** Parses the text of a setting. @throws InvalidSetting */
export type Read<T> = (text: string) => T

/** One environment variable: read at start, and printed in docs/reference/settings.md. */
export interface Setting<T = unknown> {
  readonly name: string
  /** Effect, for the reference page. */
  readonly description: string
  /** Used when the variable is unset or empty. */
  readonly fallback: string
  /** The default in words, when it depends on other settings. */
  readonly defaultText?: string
  /** Another variable, which wins: the lower-case name of a proxy variable. */
  readonly alias?: string
  /** A secret can also come from the file that `<NAME>_FILE` names. */
  readonly secret?: true
  readonly read: Read<T>
}

export const setting = <T>(declared: Omit<Setting<T>, 'secret'>): Setting<T> => declared

/** A setting that holds a credential. It becomes a `Secret`, which never prints its value. */
export const secretSetting = (declared: Omit<Setting<string>, 'secret'>): Setting<Secret | undefined> => ({
  ...declared,
  secret: true,
  read: text => (text === '' ? undefined : new Secret(declared.read(text)))
})

/** 32 bytes = 256 bits: too long to guess. */
const MIN_SECRET_BYTES = 32

/** A comma-separated list of credentials, each at least 32 bytes long. */
export const secretListSetting = (declared: Omit<Setting<Secret[]>, 'secret' | 'read'>): Setting<Secret[]> => ({
  ...declared,
  secret: true,
  read: list(part =>
    Buffer.byteLength(part) >= MIN_SECRET_BYTES
      ? new Secret(part)
      : refuse(`must be at least ${MIN_SECRET_BYTES} bytes long`)
  )
})

const refuse = (detail: string): never => {
  throw new InvalidSetting(detail)
}

/** An integer in plain digits: no sign, space, exponent, hexadecimal or leading zero. */
export const integer =
  (min: number, max: number): Read<number> =>
  text => {
    const value = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value : refuse(`must be an integer from ${min} to ${max}, in plain digits`)
  }

/** One of a list of values. */
export const oneOf =
  <const W extends string>(...values: W[]): Read<W> =>
  text =>
    values.find(value => value === text) ?? refuse(`must be one of ${values.join(', ')}`)

/** Undefined when the variable is unset. */
export const optional =
  <T>(read: Read<T>): Read<T | undefined> =>
  text =>
    text === '' ? undefined : read(text)

/** A comma-separated list; spaces around an entry are ignored. The message names every invalid entry. */
export const list =
  <T>(read: Read<T>): Read<T[]> =>
  text => {
    const faults: string[] = []
    const values = (text === '' ? [] : text.split(',')).flatMap((part, index) => {
      try {
        return [read(part.trim())]
      } catch (error) {
        if (!(error instanceof InvalidSetting)) throw error
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

/** 107 bytes: longer paths of a unix socket do not fit into the system's structure. */
const MAX_SOCKET_BYTES = 107

/** The path of a unix socket. */
export const socketPath: Read<string> = text =>
  text.startsWith('/') && !text.endsWith('/') && Buffer.byteLength(text) <= MAX_SOCKET_BYTES
    ? text
    : refuse(`must be an absolute path of at most ${MAX_SOCKET_BYTES} bytes`)

/** A mount path: empty, or segments that each begin with a slash. */
export const mountPath: Read<string> = text =>
  /^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$/.test(text)
    ? text
    : refuse('must begin with a slash and not end with one, such as /storage')

/** A base URL. Its path ends with a slash, so that relative addresses resolve below it. */
export const baseUrl: Read<URL> = text => {
  const url = parsed(text)
  if (url.username !== '' || url.password !== '') refuse('must not contain a user name or a password')
  if (/[?#]/.test(text)) refuse('must not contain a query or a fragment')
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/** A base URL to which tokens are sent: https, except on loopback. */
export const upstreamBase: Read<URL> = text => {
  const url = baseUrl(text)
  if (url.protocol !== 'https:' && !isLoopback(url.hostname))
    refuse('must begin with https://, except on a loopback address')
  if (/\.php\/$/.test(url.pathname)) refuse('must name the folder of s3.php and auth.php, not one of them')
  return url
}

/** The origin of a page inside an app, whose scheme is its own: `capacitor://localhost`, `tauri://localhost`. */
const APP_ORIGIN =
  /^(?!(?:https?|wss?|ftp|file|blob|data|javascript):)[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._-]+(?::\d{1,5})?$/

/** An origin as browsers send it. */
export const origin: Read<string> = text => {
  if (text.includes('*') || text === 'null') {
    refuse(
      'must not be null or contain *: sandboxed pages and files of any author send null, so any page could act for a caller'
    )
  }
  return APP_ORIGIN.test(text) || parsed(text).origin === text
    ? text
    : refuse(
        'must be exact origins, separated by commas, such as https://console.example.com: no path, no slash at the end'
      )
}

/** An endpoint of the storage: `location[:storageType]=url|region`. */
export const storageEndpoint: Read<StorageEndpoint> = text => {
  const form = /^([A-Za-z0-9-]{1,32})(?::([a-z0-9-]{1,32}))?=([^|]+)\|([A-Za-z0-9-]{1,64})$/.exec(text)
  if (!form) return refuse('must be location[:storageType]=url|region, such as NL=https://s3-nl.hostkey.com|nl')
  const [, location = '', storageType, address = '', region = ''] = form
  const { protocol, hostname, origin, href } = parsed(address)
  if (protocol !== 'https:' && !isLoopback(hostname)) refuse('must have a url with https://, except on loopback')
  if (href !== `${origin}/`) refuse('must have a url without a path, a query or a user')
  return { location, storageType, url: origin, region }
}

const parsed = (text: string): URL => {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    return refuse('must be an absolute http or https address')
  return text === text.trim() ? url : refuse('must not begin or end with a space')
}

/** Address of a Redis. It can contain a user, a password and the number of a database. */
export const redisUrl: Read<string> = text => {
  if (!/^rediss?:\/\//.test(text)) refuse('must begin with redis:// or rediss://')
  const url = URL.parse(text)
  const advice = 'a password with / ? # @ : or % belongs into REDIS_PASSWORD, or must be percent-encoded'
  if (!url || url.hostname === '' || url.search !== '' || url.hash !== '') {
    return refuse(`must be an address such as redis://user:password@host:6379/0; ${advice}`)
  }
  if (!/^\/?(\d{1,5})?$/.test(url.pathname)) refuse(`must end with the number of a database, such as /0; ${advice}`)
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    refuse(`must have a password in which % begins an encoded character; ${advice}`)
  }
  return text
}

/** A host with a port, such as a sentinel. */
export const hostAndPort =
  (defaultPort: number): Read<{ host: string; port: number }> =>
  text => {
    const url = URL.parse(`redis://${text}`)
    if (!url || url.hostname === '' || url.host !== text.toLowerCase()) {
      return refuse('must be hosts with a port, such as 10.0.0.1:26379, separated by commas')
    }
    return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || defaultPort) }
  }

/** A share, from 0 to 1. */
export const ratio: Read<number> = text =>
  /^(0|1|0?\.\d{1,6}|1\.0+)$/.test(text) ? Number(text) : refuse('must be a number from 0 to 1, such as 0.1')

/** Pairs of a header and its percent-encoded value: `a=b,c=d`. */
export const headerPairs: Read<string> = text =>
  text.split(',').every(pair => /^\s*[A-Za-z0-9-]+=([^%]|%[0-9A-Fa-f]{2})*$/.test(pair))
    ? text
    : refuse('must be pairs such as authorization=Bearer%20…, separated by commas')

/** Yes or no. */
export const flag: Read<boolean> = text => oneOf('true', 'false')(text) === 'true'

/** Address of an outbound proxy. It can contain credentials. */
export const proxyUrl: Read<string> = text => {
  const url = URL.parse(text)
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.hostname !== ''
    ? text
    : refuse('must begin with http:// or https:// and name a host')
}

/** Certificates or a key in PEM. */
export const pem: Read<string> = text =>
  /-----BEGIN [A-Z ]+-----/.test(text) ? text : refuse('must be PEM: it has no line -----BEGIN …-----')

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal']

/** A proxy whose `X-Forwarded-*` headers are trusted: an address, a network, or a name for several networks. */
export const proxy: Read<string> = text => {
  if (NETWORKS.includes(text)) return text
  if (/^\d+$/.test(text)) refuse('must not be a number of hops: clients can add hops; list the proxies')
  if (text === 'true') refuse('must not be true: every caller could forge its address; list the proxies')
  const [address = '', bits, ...rest] = text.split('/')
  const maxBits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  if (maxBits === 0 || rest.length > 0) {
    refuse(`must be IP addresses, CIDR networks or ${NETWORKS.join(', ')}, separated by commas`)
  }
  if (bits !== undefined && !/^([1-9]|[1-9]\d|1[01]\d|12[0-8])$/.test(bits)) {
    refuse('must have a prefix length from 1; /0 would trust every caller')
  }
  return Number(bits ?? 0) <= maxBits ? text : refuse(`must have a prefix length of at most ${maxBits}`)
}
