import { hash } from 'node:crypto'
import { keepWithin } from '../core/keep-within.ts'
import type { Sealer } from './seal.ts'

/** How long an opened record stays in memory. Each request still needs its record in the store: its end counts at once. */
const OPEN_MS = 5_000
/** Beyond this number the oldest are forgotten. */
const MAX_OPEN = 1_000

/** What a record says in clear before its sealed part, and what it holds. */
interface Opened<T> {
  head: string
  value: T
}

/**
 * Opens records of the form `<head> <sealed>`, and keeps what they hold for seconds: opening takes 50 µs, and a page sends
 * many requests.
 * @param words of the head. A bit can make a space of a character of the sealed part: what follows it is no newer record
 * @param read what the sealed text holds, and what must stand before it
 * @returns a function that gives undefined for a record that was changed, and for another key or secret
 */
export const createOpener = <T>(sealer: Sealer, words: number, read: (text: string) => Opened<T>) => {
  // By a hash of all that opens a record.
  const opened = new Map<string, T>()
  return (entry: string | undefined, key: string, secret: string): T | undefined => {
    if (entry === undefined) return undefined
    const id = hash('sha256', `${key} ${secret} ${entry}`)
    const known = opened.get(id)
    if (known) return known
    const parts = entry.split(' ')
    const sealed = parts.length === words + 1 ? parts.pop() : undefined
    const text = sealed && sealer.open(sealed, key, secret)
    if (!text) return undefined
    const { head, value } = read(text)
    if (head !== parts.join(' ')) return undefined
    opened.set(id, value)
    setTimeout(() => opened.delete(id), OPEN_MS).unref()
    keepWithin(opened, MAX_OPEN)
    return value
  }
}
