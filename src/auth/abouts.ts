import { hash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { keepWithin } from '../core/keep-within.ts'
import { readRecord } from '../store/record-format.ts'
import type { Store } from '../store/store.ts'
import type { Sealer } from './seal.ts'

/** Entries whose last use is remembered; beyond this number the oldest are forgotten, and their use is written again. */
const MAX_REMEMBERED = 10_000

interface Dated {
  /** Milliseconds since 1970. */
  createdAt: number
  lastUsedAt?: number
}

/** What the metrics count as alive. */
export const LIVE_SESSIONS = 'live-sessions'
export const LIVE_TOKENS = 'live-tokens'

/** The id under which a list names a record: it tells nothing of the credential. */
export const idOf = (key: string): string => hash('sha256', key, 'base64url').slice(0, 22)

/**
 * What lists tell of sessions or tokens, beside their records, which only their credentials open. Sealed by the server's
 * secret: a stolen store does not tell it. It holds no credential.
 */
export interface Abouts<T> {
  put(key: string, about: T, ttlMs: number): Promise<void>
  remove(key: string): Promise<void>
  /** The entries of those whose record exists, with their last use. */
  list(keys: readonly string[]): Promise<{ key: string; about: T }[]>
  /** Notes a use in the background, once a period. */
  markUsed(key: string, ttlMs: number): void
}

export interface AboutsOptions {
  /** Counts the entries that are alive. */
  group: string
  /** How exact the last use is. */
  periodMs: number
  /** An entry without a use for this time is not alive; default: each lives as long as it was put for. */
  idleMs?: number
  now: Clock
}

export const createAbouts = <T extends Dated>(
  store: Store,
  sealer: Sealer,
  { group, periodMs, idleMs = Number.POSITIVE_INFINITY, now }: AboutsOptions
): Abouts<T> => {
  /** Uses are noted once a period: it counts as alive up to a period longer than it is. */
  const markAlive = (key: string, ttlMs: number) => store.mark(group, idOf(key), Math.min(ttlMs, idleMs + periodMs))
  const nameOf = (key: string) => `about-${key.slice(0, key.indexOf(':'))}:${idOf(key)}`
  const seal = (key: string, about: T) => sealer.seal(JSON.stringify(about), nameOf(key), idOf(key))
  const open = (key: string, sealed: string | undefined): T | undefined => {
    const text = sealed === undefined ? undefined : sealer.open(sealed, nameOf(key), idOf(key))
    return text === undefined ? undefined : readRecord<T>(text, 'an entry of a list')
  }
  const known = new Map<string, { createdAt: number; period: number }>()
  const remember = (key: string, createdAt: number, period: number) => {
    known.set(key, { createdAt, period })
    keepWithin(known, MAX_REMEMBERED)
  }
  const periodAt = (createdAt: number) => Math.floor((now() - createdAt) / periodMs)

  const note = async (key: string, ttlMs: number): Promise<void> => {
    const sealed = await store.get(nameOf(key))
    const about = open(key, sealed)
    if (about === undefined || sealed === undefined) return
    const { createdAt } = about
    const period = periodAt(createdAt)
    remember(key, createdAt, period)
    const lastUsedAt = createdAt + period * periodMs
    if ((about.lastUsedAt ?? createdAt - 1) >= lastUsedAt) return
    // Never brings back what was removed meanwhile.
    if (await store.replace(nameOf(key), sealed, seal(key, { ...about, lastUsedAt }), ttlMs))
      await markAlive(key, ttlMs)
  }

  return {
    async put(key, about, ttlMs) {
      if (about.lastUsedAt !== undefined) remember(key, about.createdAt, periodAt(about.lastUsedAt))
      await Promise.all([store.put(nameOf(key), seal(key, about), ttlMs), markAlive(key, ttlMs)])
    },
    async remove(key) {
      await Promise.all([store.remove(nameOf(key)), store.unmark(group, idOf(key))])
    },
    async list(keys) {
      const values = await store.getAll([...keys, ...keys.map(nameOf)])
      return keys.flatMap((key, index) => {
        const about = values[index] === undefined ? undefined : open(key, values[keys.length + index])
        return about === undefined ? [] : [{ key, about }]
      })
    },
    markUsed(key, ttlMs) {
      const found = known.get(key)
      if (found && found.period >= periodAt(found.createdAt)) return
      if (!found) remember(key, now(), 0)
      note(key, ttlMs).catch(() => known.delete(key))
    }
  }
}
