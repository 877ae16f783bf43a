import type { Admission, Count, Limit, OwnedLimits } from './store.ts'

interface Steps {
  increment(key: string, by: number, windowMs: number): Count
  touch(key: string, ttlMs: number): string | undefined
  get(key: string): string | undefined
}

/** `Store.admit` of a store that does nothing else meanwhile. */
export const admitBy = ({ increment, touch, get }: Steps, limits: readonly Limit[], owned?: OwnedLimits): Admission => {
  const counts: Count[] = []
  const isWithin = (owner: string, { key, by, windowMs, max }: Limit) => {
    const count = increment(key + owner, by, windowMs)
    counts.push(count)
    return count.count <= max
  }
  if (!limits.every(limit => isWithin('', limit)) || !owned) return { counts, record: undefined }
  const record = owned.ttlMs === undefined ? get(owned.key) : touch(owned.key, owned.ttlMs)
  if (record === undefined || neededBy(record).some(key => get(key) === undefined)) return { counts, record: undefined }
  const owner = ownerOf(record)
  owned.limits.every(limit => isWithin(owner, limit))
  return { counts, record }
}

/** Whose record it is: the text before the first space. */
export const ownerOf = (record: string): string => record.slice(0, Math.max(0, record.indexOf(' ')))

/** The keys without which the record is not valid: the text between the first two spaces. */
export const neededBy = (record: string): string[] => {
  const [, keys, text] = record.split(' ', 3)
  return keys === undefined || text === undefined ? [] : keys.split(',').filter(key => key !== '')
}
