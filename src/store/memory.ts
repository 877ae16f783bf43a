import { type Clock, elapsedNow, latestNow } from '../core/clock.ts'
import { keepWithin } from '../core/keep-within.ts'
import { admitBy } from './admission.ts'
import { areaOf } from './areas.ts'
import type { Count, Limit, OwnedLimits, Store } from './store.ts'

interface Entry {
  value: string
  expiresAt: number
}

/** Of each area; beyond it the oldest are dropped: a flood of callers must not fill the memory. */
const MAX_ENTRIES = 100_000

/** Writes to an area between two sweeps, and expired entries that one removes: more than were added, and few enough for 1 ms. */
const SWEEP = { writes: 1000, entries: 4000 }

interface Area {
  /** In the order of their last writes. */
  entries: Map<string, Entry>
  writes: number
}

/** The store of a single process; its content is lost when the process ends. */
export const createMemoryStore = (now: Clock = latestNow) => {
  const areas = new Map<string, Area>()

  const areaFor = (key: string): Area => {
    const name = areaOf(key)
    const known = areas.get(name)
    if (known) return known
    const area = { entries: new Map(), writes: 0 }
    areas.set(name, area)
    return area
  }
  const entriesOf = (key: string) => areaFor(key).entries
  const find = (key: string): Entry | undefined => {
    const entries = entriesOf(key)
    const entry = entries.get(key)
    if (!entry || entry.expiresAt > now()) return entry
    entries.delete(key)
    return undefined
  }
  const put = (key: string, value: string, ttlMs: number) => {
    const area = areaFor(key)
    area.entries.delete(key)
    area.entries.set(key, { value, expiresAt: now() + ttlMs })
    keepWithin(area.entries, MAX_ENTRIES)
    area.writes += 1
    if (area.writes % SWEEP.writes === 0) sweep(area.entries)
  }
  /** Removes expired entries, from the oldest on. */
  const sweep = (entries: Area['entries']) => {
    const time = now()
    let left = SWEEP.entries
    for (const [key, { expiresAt }] of entries) {
      if (left === 0 || expiresAt > time) break
      entries.delete(key)
      left -= 1
    }
  }
  const members = (key: string): string[] => JSON.parse(find(key)?.value ?? '[]')

  const touch = (key: string, ttlMs: number): string | undefined => {
    const entry = find(key)
    // Put again, so that a flood drops idle sessions before those in use.
    if (entry) put(key, entry.value, ttlMs)
    return entry?.value
  }
  const increment = (key: string, by: number, windowMs: number): Count => {
    const entry = find(key)
    if (!entry) {
      put(key, String(by), windowMs)
      return { count: by, ttlMs: windowMs }
    }
    const count = Number(entry.value) + by
    entry.value = String(count)
    return { count, ttlMs: entry.expiresAt - now() }
  }
  const get = (key: string) => find(key)?.value
  const steps = { touch, increment, get }

  return {
    touch: async (key, ttlMs) => touch(key, ttlMs),
    get: async key => get(key),
    async put(key, value, ttlMs) {
      put(key, value, ttlMs)
    },
    async claim(key, value, ttlMs) {
      if (find(key)) return false
      put(key, value, ttlMs)
      return true
    },
    async replace(key, old, value, ttlMs) {
      if (find(key)?.value !== old) return false
      put(key, value, ttlMs)
      return true
    },
    async release(key, value) {
      if (find(key)?.value === value) entriesOf(key).delete(key)
    },
    async remove(key) {
      return find(key) !== undefined && entriesOf(key).delete(key)
    },
    admit: (limits: readonly Limit[], owned?: OwnedLimits) => admitBy(steps, limits, owned),
    increment,
    async addMember(key, member, max, ttlMs) {
      const all = [...members(key).filter(other => other !== member), member]
      const evicted = all.slice(0, Math.max(0, all.length - max))
      put(key, JSON.stringify(all.slice(evicted.length)), ttlMs)
      return evicted
    },
    async removeMember(key, member) {
      const entry = find(key)
      if (entry) entry.value = JSON.stringify(members(key).filter(other => other !== member))
    },
    members: async key => members(key),
    getAll: async keys => keys.map(get),
    async removeAllMembers(key) {
      const all = members(key)
      entriesOf(key).delete(key)
      return all
    },
    async mark(group, member, ttlMs) {
      put(`${group}:${member}`, '', ttlMs)
    },
    async unmark(group, member) {
      entriesOf(group).delete(`${group}:${member}`)
    },
    async countMarked(group) {
      const time = now()
      let count = 0
      for (const { expiresAt } of entriesOf(group).values()) if (expiresAt > time) count += 1
      return count
    },
    keys: async prefix =>
      [...areas.values()].flatMap(({ entries }) =>
        [...entries.keys()].filter(key => key.startsWith(prefix) && find(key))
      ),
    now: async () => elapsedNow(),
    check: async () => undefined,
    close: async () => areas.clear()
  } satisfies Store
}
