import { Problem } from '../../core/problem.ts'

/** A position in a list, as callers get it. */
export const cursorOf = (position: string): string => Buffer.from(position).toString('base64url')

/** @throws Problem invalid-cursor */
export const positionOf = (cursor: string | undefined): number => {
  if (cursor === undefined) return 0
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (/^\d{1,15}$/.test(text) && cursorOf(text) === cursor) return Number(text)
  throw foreignCursor()
}

export const foreignCursor = () =>
  new Problem('invalid-cursor', 'The cursor does not belong to this list.', {
    errors: [{ in: 'query', parameter: 'cursor', code: 'mismatch', detail: 'is not a cursor of this list' }]
  })
