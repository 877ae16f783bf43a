import { hash } from 'node:crypto'
import { Problem } from '../../core/problem.ts'
import type { FileSelection, Mark, Position } from './file-walk.ts'

/** Longest cursor, characters. */
export const MAX_CURSOR = 4096

const fingerprintOf = ({ s3uid, bucket, prefix, isRecursive, text }: FileSelection): string =>
  hash('sha256', JSON.stringify([s3uid, bucket, prefix, isRecursive, text]), 'base64url').slice(0, 12)

/** The flags of a position, one bit each. */
const FLAGS = ['isComplete', 'canOpen', 'isShown', 'isByText'] as const

/** A position inside a cursor; each path is written without the beginning that the one before has. */
type Encoded = [flags: number, lastFolder: string, ...marks: [prefix: string, token: string | 0, bound: string][]]

/**
 * The position in a list, with HOSTKEY's opaque continuation tokens, as a text that fits into a URL and names its list.
 * Where a deep tree does not fit, outer folders are left out, and the list says at its end that it is not complete.
 * @returns null when not even the innermost folder fits
 */
export const encodeCursor = (position: Position, selection: FileSelection): string | null => {
  const cursor = `${fingerprintOf(selection)}.${Buffer.from(JSON.stringify(encode(position, selection)), 'utf8').toString('base64url')}`
  if (cursor.length <= MAX_CURSOR) return cursor
  if (position.marks.length < 2) return null
  return encodeCursor({ ...position, marks: position.marks.slice(1), isComplete: false }, selection)
}

const encode = ({ marks, lastFolder, ...state }: Position, { prefix }: FileSelection): Encoded => {
  let outer = prefix
  return [
    FLAGS.reduce((sum, flag, bit) => sum + (state[flag] ? 1 << bit : 0), 0),
    lastFolder.slice(prefix.length),
    ...marks.map((mark): [string, string | 0, string] => {
      const inner = mark.prefix.slice(outer.length)
      outer = mark.prefix
      return [inner, mark.token ?? 0, mark.bound.slice(outer.length)]
    })
  ]
}

/** @throws Problem invalid-cursor when the cursor is malformed or belongs to another list */
export const decodeCursor = (cursor: string, selection: FileSelection): Position => {
  const [fingerprint, text, ...rest] = cursor.split('.')
  const isOurs = fingerprint === fingerprintOf(selection) && rest.length === 0 && /^[A-Za-z0-9_-]+$/.test(text ?? '')
  const encoded = isOurs ? parse(text ?? '') : undefined
  if (encoded !== undefined) return decode(encoded, selection)
  throw new Problem('invalid-cursor', 'The cursor does not belong to this list.', {
    errors: [{ in: 'query', parameter: 'cursor', code: 'mismatch', detail: 'is not a cursor of this list' }]
  })
}

const parse = (text: string): Encoded | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return isEncoded(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'

const isEncoded = (value: unknown): value is Encoded => {
  if (!Array.isArray(value)) return false
  const [flags, lastFolder, ...marks] = value as unknown[]
  return (
    Number.isInteger(flags) &&
    isText(lastFolder) &&
    marks.length > 0 &&
    marks.every(
      mark =>
        Array.isArray(mark) &&
        mark.length === 3 &&
        isText(mark[0]) &&
        (isText(mark[1]) || mark[1] === 0) &&
        isText(mark[2])
    )
  )
}

const decode = ([flags, lastFolder, ...marks]: Encoded, { prefix }: FileSelection): Position => {
  const has = (flag: (typeof FLAGS)[number]) => (flags & (1 << FLAGS.indexOf(flag))) !== 0
  let outer = prefix
  return {
    isComplete: has('isComplete'),
    canOpen: has('canOpen'),
    isShown: has('isShown'),
    isByText: has('isByText'),
    lastFolder: lastFolder && prefix + lastFolder,
    marks: marks.map(([inner, token, bound]): Mark => {
      outer += inner
      return { prefix: outer, token: token === 0 ? undefined : token, bound: bound && outer + bound }
    })
  }
}
