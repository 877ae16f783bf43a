import type { Connection, NewPresignedUrl, PresignedUrl } from '../../../schemas/presigned-urls.ts'
import { noSuchAccount } from '../../core/caller.ts'
import type { Clock } from '../../core/clock.ts'
import type { RequestContext } from '../../core/context.ts'
import { type Fault, Problem } from '../../core/problem.ts'
import type { StorageEndpoint } from '../../core/storage-endpoint.ts'
import { getUsers } from '../../upstream/actions/accounts.ts'
import { showKey } from '../../upstream/actions/keys.ts'
import { listPlans } from '../../upstream/actions/plans.ts'
import type { Upstream } from '../../upstream/client.ts'
import { MAX_PATH_BYTES } from './files.ts'
import { dayOf, deriveSigningKey, dispositionOf, hasDotSegment, objectUrl, presignUrl } from './presigning.ts'
import type { KeptKey, SigningKeys } from './signing-keys.ts'

/** A bucket of an account. */
interface BucketTarget {
  s3uid: string
  bucket: string
}

/** Uploads and downloads between the caller and the storage, without the key pair. */
export interface DirectAccess {
  /**
   * The URL of one upload or download. Neither the bucket nor the file is looked up.
   * @throws Problem invalid-request, path-not-presignable, switched-off, endpoint-not-configured, account-not-found; of the actions
   */
  presign(context: RequestContext, target: BucketTarget, requested: NewPresignedUrl): Promise<PresignedUrl>
  /** @throws Problem endpoint-not-configured, account-not-found; of the actions */
  getConnection(context: RequestContext, s3uid: string): Promise<Connection>
}

export interface DirectAccessParts {
  upstream: Upstream
  endpoints: readonly StorageEndpoint[]
  signingKeys: SigningKeys
  /** False on a gateway that only reads. */
  allowsUploads: boolean
  /** The machine's clock: the storage compares the time of a signature with its own. */
  now?: Clock
}

/** 5 min. */
const DEFAULT_EXPIRY_SECONDS = 300

export const createDirectAccess = (parts: DirectAccessParts) => {
  const { upstream, endpoints, signingKeys, allowsUploads, now = Date.now } = parts

  const endpointOf = async (context: RequestContext, s3uid: string): Promise<StorageEndpoint> => {
    const { s3_users } = await upstream.call(getUsers, { s3uid }, context)
    const account = s3_users.find(user => user.s3uid === s3uid)
    if (!account) throw noSuchAccount()
    const here = endpoints.filter(({ location }) => location === account.location)
    // Without types there is nothing to choose: the plan is not asked for.
    const isTyped = here.some(({ storageType }) => storageType !== undefined)
    const plans = isTyped ? (await upstream.call(listPlans, {}, context)).plans : []
    const type = plans.find(({ id }) => id === account.plan_id)?.storage_type
    // A type that is not known is not guessed.
    const untyped = isTyped && type === undefined ? undefined : here.find(each => each.storageType === undefined)
    const found = here.find(({ storageType }) => type !== undefined && storageType === type) ?? untyped
    if (found) return found
    const what = `${type === undefined ? '' : `${type} `}storage at ${account.location ?? 'the location of this account'}`
    throw new Problem('endpoint-not-configured', `The operator has configured no endpoint for ${what}.`)
  }

  /** HOSTKEY judges with each call whether the account is the caller's, and names the access key of today. */
  const keyOf = async (context: RequestContext, s3uid: string, day: string) => {
    const { key: accessKey } = await upstream.call(showKey, { s3uid, s3_key: 'access_key' }, context)
    const known = signingKeys.find(s3uid, day, accessKey)
    if (known) return { accessKey, ...known }
    const { url: endpoint, region } = await endpointOf(context, s3uid)
    const { key: secretKey } = await upstream.call(showKey, { s3uid, s3_key: 'secret_key' }, context)
    const kept: KeptKey = { key: deriveSigningKey(secretKey, day, region).toString('base64'), endpoint, region }
    signingKeys.keep(s3uid, day, accessKey, kept)
    return { accessKey, ...kept }
  }

  const directAccess: DirectAccess = {
    async presign(context, { s3uid, bucket }, requested) {
      assertPresignable(requested)
      if (requested.operation === 'upload' && !allowsUploads) {
        throw new Problem('switched-off', 'The operator has switched uploads off.')
      }
      const { operation, path, downloadName } = requested
      const method = operation === 'upload' ? 'PUT' : 'GET'
      const headers = headersOf(requested)
      // Once: the day must not change while HOSTKEY answers, for the key is that of a day.
      const at = now()
      const day = dayOf(at)
      const expiresInSeconds = lifetimeOf(context, requested, at)
      const { accessKey, key, endpoint, region } = await keyOf(context, s3uid, day)
      const signingKey = { accessKey, region, day, key: Buffer.from(key, 'base64') }
      const query = {
        // As the AWS SDK does: the signature does not cover the content.
        'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD',
        ...(downloadName !== undefined && { 'response-content-disposition': dispositionOf(downloadName) })
      }
      const url = await presignUrl(
        { method, url: objectUrl(endpoint, bucket, path), headers, query, expiresInSeconds, at },
        signingKey
      )
      return { url, method, headers, expiresAt: new Date(at + expiresInSeconds * 1000).toISOString() }
    },

    async getConnection(context, s3uid) {
      const { url: endpoint, region } = await endpointOf(context, s3uid)
      return {
        endpoint,
        region,
        addressing: 'path',
        examples: {
          awsCli: `aws s3 ls --endpoint-url ${endpoint} --region ${region}`,
          rclone: `rclone lsd :s3,provider=Other,env_auth=true,endpoint='${endpoint}',region=${region},force_path_style=true:`
        }
      }
    }
  }
  return directAccess
}

/** A URL does not outlive the credential that it is made with. */
const lifetimeOf = (
  { caller: { expiresAt = Number.POSITIVE_INFINITY } }: RequestContext,
  { expiresInSeconds = DEFAULT_EXPIRY_SECONDS }: NewPresignedUrl,
  at: number
): number => Math.max(1, Math.min(expiresInSeconds, Math.floor((expiresAt - at) / 1000)))

/** The headers that the client must send: those of an upload that were named. */
const headersOf = ({ contentType, contentLength }: NewPresignedUrl): Record<string, string> => ({
  ...(contentType !== undefined && { 'content-type': contentType }),
  ...(contentLength !== undefined && { 'content-length': String(contentLength) })
})

/** @throws Problem invalid-request, path-not-presignable */
const assertPresignable = (requested: NewPresignedUrl): void => {
  const { operation, path, contentType, contentLength, downloadName } = requested
  const errors: Fault[] = []
  const refuse = (name: string, detail: string) =>
    errors.push({ in: 'body', pointer: `/${name}`, code: 'not-allowed', detail })
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) refuse('path', `must not be longer than ${MAX_PATH_BYTES} bytes`)
  if (operation === 'download') {
    if (contentType !== undefined) refuse('contentType', 'is only for an upload')
    if (contentLength !== undefined) refuse('contentLength', 'is only for an upload')
  } else if (downloadName !== undefined) refuse('downloadName', 'is only for a download')
  if (errors.length > 0) {
    throw new Problem('invalid-request', 'The request is not valid; nothing was sent to HOSTKEY.', { errors })
  }
  if (hasDotSegment(path)) {
    throw new Problem('path-not-presignable', 'A segment of the path is `.` or `..`, which every client would resolve.')
  }
}
