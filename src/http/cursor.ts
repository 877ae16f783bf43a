import { createHash } from 'node:crypto'
import { Problem } from '../core/problem.ts'

/** What a cursor belongs to: it continues this list and no other. */
export interface ListScope {
  s3uid: string
  bucket: string
  search: string | undefined
}

const markOf = ({ s3uid, bucket, search }: ListScope): string =>
  createHash('sha256')
    .update(JSON.stringify([s3uid, bucket, search ?? null]))
    .digest('base64url')
    .slice(0, 12)

/** Wraps HOSTKEY's continuation token, which is opaque, into something fit for a URL that remembers its list. */
export const encodeCursor = (token: string, scope: ListScope): string =>
  `${markOf(scope)}.${Buffer.from(token, 'utf8').toString('base64url')}`

/** @throws Problem invalid-cursor when the cursor is not one of ours, or belongs to another list */
export const decodeCursor = (cursor: string, scope: ListScope): string => {
  const [mark, token, ...rest] = cursor.split('.')
  if (mark !== markOf(scope) || !token || rest.length > 0 || !/^[A-Za-z0-9_-]+$/.test(token)) {
    throw new Problem('invalid-cursor', 'The cursor does not belong to this list.', {
      errors: [{ in: 'query', parameter: 'cursor', detail: 'is not a cursor of this list' }]
    })
  }
  return Buffer.from(token, 'base64url').toString('utf8')
}
