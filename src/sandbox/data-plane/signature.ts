import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { StorageRefusal } from './refusal.ts'

/** The parts of a request that AWS Signature Version 4 covers. */
export interface SignedRequest {
  method: string
  /** Path as it was sent. */
  rawPath: string
  /** Query parameters, decoded, in the order in which they were sent. */
  query: readonly (readonly [name: string, value: string])[]
  headers: IncomingHttpHeaders
}

/** The longest validity of a URL that S3 accepts: a week. */
const MAX_EXPIRY_SECONDS = 604_800
/** 15 min: the clock of a client may differ so much. */
const MAX_SKEW_MS = 15 * 60_000

interface Claim {
  accessKey: string
  day: string
  region: string
  /** `YYYYMMDDTHHMMSSZ` */
  timestamp: string
  signedHeaders: readonly string[]
  signature: string
  payload: string
  /** In the query: the URL is valid so long. */
  expiresInSeconds: number | undefined
}

/**
 * Checks the signature of a request, in its header `Authorization` or in its query. Written apart from what signs in the
 * gateway, so that one checks the other.
 * @param secretOf the secret key that belongs to an access key
 * @param now milliseconds since 1970
 * @returns the access key; undefined for a request without a signature
 * @throws StorageRefusal
 */
export const accessKeyOf = (
  request: SignedRequest,
  secretOf: (accessKey: string) => string | undefined,
  now: number
): string | undefined => {
  const claim = claimIn(request)
  if (!claim) return undefined
  assertTimely(claim, now)
  const secret = secretOf(claim.accessKey)
  if (secret === undefined) {
    throw new StorageRefusal(403, 'InvalidAccessKeyId', 'The access key does not exist.')
  }
  if (!claim.signedHeaders.includes('host')) throw mismatch()
  // Else whoever has the URL of an upload could make the file public.
  const isUnsigned = (name: string) => name.startsWith('x-amz-') && !claim.signedHeaders.includes(name)
  if (Object.keys(request.headers).some(isUnsigned)) {
    throw new StorageRefusal(403, 'AccessDenied', 'There were headers present in the request which were not signed')
  }
  const expected = signatureOf(request, claim, secret)
  const given = Buffer.from(claim.signature)
  if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected))) throw mismatch()
  return claim.accessKey
}

const mismatch = () =>
  new StorageRefusal(
    403,
    'SignatureDoesNotMatch',
    'The signature does not match: check the key, and send the method, the path, the query and the headers that were signed.'
  )

const claimIn = ({ query, headers }: SignedRequest): Claim | undefined => {
  const parameters = new Map(query)
  if (parameters.has('X-Amz-Signature')) return claimInQuery(parameters)
  const { authorization } = headers
  if (authorization === undefined) return undefined
  const [match, credential = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization
    ) ?? []
  if (!match) throw new StorageRefusal(400, 'AuthorizationHeaderMalformed', 'Only AWS4-HMAC-SHA256 is supported.')
  return {
    ...scopeOf(credential, 'AuthorizationHeaderMalformed'),
    timestamp: String(headers['x-amz-date'] ?? ''),
    signedHeaders: signedHeaders.split(';'),
    signature,
    payload: String(headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD'),
    expiresInSeconds: undefined
  }
}

const claimInQuery = (parameters: ReadonlyMap<string, string>): Claim => {
  const textOf = (name: string) => parameters.get(name) ?? ''
  const expiresInSeconds = Number(textOf('X-Amz-Expires'))
  const isValid =
    /^\d+$/.test(textOf('X-Amz-Expires')) && expiresInSeconds >= 1 && expiresInSeconds <= MAX_EXPIRY_SECONDS
  if (textOf('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256' || !isValid) {
    throw new StorageRefusal(
      400,
      'AuthorizationQueryParametersError',
      'X-Amz-Algorithm must be AWS4-HMAC-SHA256, and X-Amz-Expires from 1 to 604800.'
    )
  }
  return {
    ...scopeOf(textOf('X-Amz-Credential'), 'AuthorizationQueryParametersError'),
    timestamp: textOf('X-Amz-Date'),
    signedHeaders: textOf('X-Amz-SignedHeaders').split(';'),
    signature: textOf('X-Amz-Signature'),
    payload: 'UNSIGNED-PAYLOAD',
    expiresInSeconds
  }
}

const scopeOf = (credential: string, code: string) => {
  const [match, accessKey = '', day = '', region = ''] =
    /^([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request$/.exec(credential) ?? []
  if (!match) throw new StorageRefusal(400, code, 'The credential must be key/day/region/s3/aws4_request.')
  return { accessKey, day, region }
}

const assertTimely = ({ timestamp, day, expiresInSeconds }: Claim, now: number): void => {
  const [match, date, hour, minute, second] = /^(\d{8})T(\d{2})(\d{2})(\d{2})Z$/.exec(timestamp) ?? []
  const iso = `${date?.slice(0, 4)}-${date?.slice(4, 6)}-${date?.slice(6)}T${hour}:${minute}:${second}Z`
  const at = match ? Date.parse(iso) : Number.NaN
  if (Number.isNaN(at) || date !== day) {
    throw new StorageRefusal(403, 'AccessDenied', 'The request needs X-Amz-Date, on the day of its credential.')
  }
  if (at - now > MAX_SKEW_MS) throw new StorageRefusal(403, 'RequestTimeTooSkewed', 'The request is from the future.')
  if (expiresInSeconds === undefined) {
    if (now - at <= MAX_SKEW_MS) return
    throw new StorageRefusal(403, 'RequestTimeTooSkewed', 'The request is older than 15 minutes.')
  }
  if (now > at + expiresInSeconds * 1000) throw new StorageRefusal(403, 'AccessDenied', 'Request has expired')
}

const signatureOf = (request: SignedRequest, claim: Claim, secret: string): string => {
  const { method, rawPath, query, headers } = request
  const { day, region, timestamp, signedHeaders, payload } = claim
  const canonical = [
    method,
    decodedPath(rawPath).split('/').map(encoded).join('/'),
    query
      .filter(([name]) => name !== 'X-Amz-Signature')
      .map(([name, value]): [string, string] => [encoded(name), encoded(value)])
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
      .map(pair => pair.join('='))
      .join('&'),
    ...signedHeaders.map(
      name =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}`
    ),
    '',
    signedHeaders.join(';'),
    payload
  ].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', timestamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n')
  const key = scope
    .split('/')
    .reduce<Buffer>((key, text) => createHmac('sha256', key).update(text).digest(), Buffer.from(`AWS4${secret}`))
  return createHmac('sha256', key).update(toSign).digest('hex')
}

/** The path as text. @throws StorageRefusal when it is not percent-encoded UTF-8 */
export const decodedPath = (rawPath: string): string => {
  try {
    return decodeURIComponent(rawPath)
  } catch {
    throw new StorageRefusal(400, 'InvalidURI', 'The path is not percent-encoded UTF-8.')
  }
}

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
