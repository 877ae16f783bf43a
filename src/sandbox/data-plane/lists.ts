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

/** ListObjectsV2 with `prefix`, `delimiter=/`, `max-keys`, `start-after` and `continuation-token`. */
export const filesXml = (bucket: Bucket, query: ReadonlyMap<string, string>): string => {
  const prefix = query.get('prefix') ?? ''
  const limit = Math.min(MAX_KEYS, Number(query.get('max-keys') ?? MAX_KEYS))
  const token = query.get('continuation-token')
  const after = token === undefined ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()
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
  const next = hasMore
    ? `<NextContinuationToken>${Buffer.from(last).toString('base64url')}</NextContinuationToken>`
    : ''
  return `${XML}<ListBucketResult ${NAMESPACE}><Name>${xmlText(bucket.name)}</Name><Prefix>${text(prefix)}</Prefix>${isUrl ? '<EncodingType>url</EncodingType>' : ''}<KeyCount>${page.length}</KeyCount><MaxKeys>${limit}</MaxKeys><IsTruncated>${hasMore}</IsTruncated>${next}${entries.join('')}</ListBucketResult>\n`
}
