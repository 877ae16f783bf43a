import { hash } from 'node:crypto'
import { Problem } from '../../core/problem.ts'

/** The list that a cursor continues. */
export interface ListScope {
  s3uid: string
  bucket: string
  search: string | undefined
}

const fingerprintOf = ({ s3uid, bucket, search }: ListScope): string =>
  hash('sha256', JSON.stringify([s3uid, bucket, search ?? null]), 'base64url').slice(0, 12)

/** Wraps HOSTKEY's opaque continuation token in a cursor that fits into a URL and names its list. */
export const encodeCursor = (token: string, scope: ListScope): string =>
  `${fingerprintOf(scope)}.${Buffer.from(token, 'utf8').toString('base64url')}`

/** @throws Problem invalid-cursor when the cursor is malformed or belongs to another list */
export const decodeCursor = (cursor: string, scope: ListScope): string => {
  const [fingerprint, token, ...rest] = cursor.split('.')
  if (fingerprint !== fingerprintOf(scope) || !token || rest.length > 0 || !/^[A-Za-z0-9_-]+$/.test(token)) {
    throw new Problem('invalid-cursor', 'The cursor does not belong to this list.', {
      errors: [{ in: 'query', parameter: 'cursor', detail: 'is not a cursor of this list' }]
    })
  }
  return Buffer.from(token, 'base64url').toString('utf8')
}
