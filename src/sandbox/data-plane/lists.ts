import { pageOf } from '../listing.ts'
import type { Bucket, State } from '../state.ts'
import { bucketsOf } from '../storage.ts'
import { xmlText } from './refusal.ts'

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
/** The most keys of one list. */
const MAX_KEYS = 1000

/** ListBuckets. */
export const bucketsXml = (state: State, s3uid: string): string => {
  const account = state.accounts.get(s3uid)
  const buckets = account ? bucketsOf(state, account) : []
  const entries = buckets.map(
    ({ name, createdAt }) => `<Bucket><Name>${xmlText(name)}</Name><CreationDate>${createdAt}</CreationDate></Bucket>`
  )
  return `${XML}<ListAllMyBucketsResult ${NAMESPACE}><Owner><ID>${s3uid}</ID></Owner><Buckets>${entries.join('')}</Buckets></ListAllMyBucketsResult>\n`
}

/** Parameters of a list, besides those of its signature. */
const LIST_PARAMETERS = new Set(['prefix', 'delimiter', 'marker', 'max-keys', 'encoding-type', 'x-id'])

/** Does a request to a bucket list its files, in version 2 or in version 1, which rclone uses? */
export const isFileList = (query: ReadonlyMap<string, string>): boolean =>
  query.get('list-type') === '2' ||
  [...query.keys()].every(name => LIST_PARAMETERS.has(name) || name.startsWith('X-Amz-'))

/** ListObjectsV2 with `prefix`, `delimiter=/`, `max-keys`, `start-after` and `continuation-token`; ListObjects with `marker`. */
export const filesXml = (bucket: Bucket, query: ReadonlyMap<string, string>): string => {
  const prefix = query.get('prefix') ?? ''
  const limit = Math.min(MAX_KEYS, Number(query.get('max-keys') ?? MAX_KEYS))
  const token = query.get('continuation-token')
  const isFirstVersion = !query.has('list-type')
  const start = query.get(isFirstVersion ? 'marker' : 'start-after') ?? ''
  const after = token === undefined ? start : Buffer.from(token, 'base64url').toString()
  const isUrl = query.get('encoding-type') === 'url'
  const text = (path: string) => (isUrl ? encodeURIComponent(path).replaceAll('%2F', '/') : xmlText(path))
  const byFolder = query.get('delimiter') === '/'
  const { page, hasMore, last } = pageOf(bucket, { prefix, byFolder, matches: () => true, after, limit })
  const entries = page.map(({ path, isFolder }) => {
    const file = bucket.files.get(path)
    return isFolder
      ? `<CommonPrefixes><Prefix>${text(path)}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${text(path)}</Key><LastModified>${file?.modifiedAt ?? bucket.createdAt}</LastModified><Size>${file?.size ?? 0}</Size><StorageClass>STANDARD</StorageClass></Contents>`
  })
  const following = isFirstVersion
    ? `<NextMarker>${text(last)}</NextMarker>`
    : `<NextContinuationToken>${Buffer.from(last).toString('base64url')}</NextContinuationToken>`
  const next = hasMore ? following : ''
  const count = isFirstVersion ? `<Marker>${text(start)}</Marker>` : `<KeyCount>${page.length}</KeyCount>`
  return `${XML}<ListBucketResult ${NAMESPACE}><Name>${xmlText(bucket.name)}</Name><Prefix>${text(prefix)}</Prefix>${isUrl ? '<EncodingType>url</EncodingType>' : ''}${count}<MaxKeys>${limit}</MaxKeys><IsTruncated>${hasMore}</IsTruncated>${next}${entries.join('')}</ListBucketResult>\n`
}
