import type { Admission, Count, Limit, OwnedLimits } from './store.ts'

interface Steps {
  increment(key: string, by: number, windowMs: number): Count
  touch(key: string, ttlMs: number): string | undefined
}

/** `Store.admit` of a store that does nothing else meanwhile. */
export const admitBy = ({ increment, touch }: Steps, limits: readonly Limit[], owned?: OwnedLimits): Admission => {
  const counts: Count[] = []
  const isWithin = (owner: string, { key, by, windowMs, max }: Limit) => {
    const count = increment(key + owner, by, windowMs)
    counts.push(count)
    return count.count <= max
  }
  if (!limits.every(limit => isWithin('', limit)) || !owned) return { counts, record: undefined }
  const record = touch(owned.key, owned.ttlMs)
  if (record !== undefined) {
    const owner = ownerOf(record)
    owned.limits.every(limit => isWithin(owner, limit))
  }
  return { counts, record }
}

/** Whose record it is: the text before the first space. */
export const ownerOf = (record: string): string => record.slice(0, Math.max(0, record.indexOf(' ')))
