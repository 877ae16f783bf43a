import { createHmac } from 'node:crypto'
import { AwsV4Signer } from 'aws4fetch'

/** What S3 checks of a URL (AWS Signature Version 4, in the query). */
export interface UrlToSign {
  method: 'GET' | 'PUT'
  /** Absolute address of the object, percent-encoded. */
  url: string
  /** Headers that the client must send with these values. */
  headers: Readonly<Record<string, string>>
  /** More parameters of the query. */
  query: Readonly<Record<string, string>>
  expiresInSeconds: number
  /** Milliseconds since 1970. */
  at: number
}

/** A key that signs for one day and one region; it cannot be turned back into the secret key. */
export interface SigningKey {
  accessKey: string
  region: string
  /** `YYYYMMDD`, UTC. */
  day: string
  key: Buffer
}

/** `YYYYMMDDTHHMMSSZ`, UTC. */
const timestampOf = (at: number): string => new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '')

/** The day for which a key signs, UTC. @param at milliseconds since 1970 */
export const dayOf = (at: number): string => timestampOf(at).slice(0, 8)

/** Derives the key of a day and a region from the secret key. */
export const deriveSigningKey = (secretKey: string, day: string, region: string): Buffer =>
  [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (key, text) => createHmac('sha256', key).update(text).digest(),
    Buffer.from(`AWS4${secretKey}`)
  )

/** Stands where aws4fetch expects the secret key, which is not kept. */
const NOT_KEPT = 'not-kept'

/** The URL with its signature. */
export const presignUrl = async (
  { method, url, headers, query, expiresInSeconds, at }: UrlToSign,
  { accessKey, region, day, key }: SigningKey
): Promise<string> => {
  const target = new URL(url)
  for (const [name, value] of Object.entries({ ...query, 'X-Amz-Expires': String(expiresInSeconds) })) {
    target.searchParams.set(name, value)
  }
  const signer = new AwsV4Signer({
    method,
    url: target.href,
    headers: { ...headers },
    accessKeyId: accessKey,
    secretAccessKey: NOT_KEPT,
    // aws4fetch looks here for the derived key before it would derive one.
    cache: new Map([[[NOT_KEPT, day, region, 's3'].join(), new Uint8Array(key).buffer]]),
    service: 's3',
    region,
    datetime: timestampOf(at),
    signQuery: true,
    // Else the type and the length of an upload would not be signed.
    allHeaders: true
  })
  // `sign()` would print a space of the query as `+`, which not every server reads as the space that was signed.
  return `${target.origin}${signer.encodedPath}?${signer.encodedSearch}&X-Amz-Signature=${await signer.signature()}`
}

/** Percent-encodes everything but the unreserved characters of RFC 3986. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/** Address of a file, path style. */
export const objectUrl = (endpoint: string, bucket: string, path: string): string =>
  `${endpoint}/${encoded(bucket)}/${path.split('/').map(encoded).join('/')}`

/** Would every client rewrite the URL of this path? URL libraries resolve dot segments. */
export const hasDotSegment = (path: string): boolean => path.split('/').some(each => each === '.' || each === '..')

/** `Content-Disposition` of a download: the name as UTF-8, and without other characters for old clients (RFC 6266). */
export const dispositionOf = (name: string): string =>
  `attachment; filename="${name.replace(/[^ !#-[\]-~]/g, '_')}"; filename*=UTF-8''${encoded(name)}`
