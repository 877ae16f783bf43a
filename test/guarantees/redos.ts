import { createRequire } from 'node:module'
import type { checkSync as CheckSync } from 'recheck'

/** The part of recheck that is JavaScript alone: the main entry starts a program of its own. */
const { checkSync } = createRequire(import.meta.url)('recheck/lib/browser.js') as { checkSync: typeof CheckSync }

/** Milliseconds for one pattern: most take a few, the slowest 15 s on a busy machine. */
export const THOROUGH = { wider: 1000, exact: 15_000 }

/** From this bound on, a bounded repetition costs the checker more than an unbounded one. */
const LARGE = 5

/**
 * Does the pattern take linear time on every text? `safe`, or what is wrong.
 * Checks it first without large bounds and without case: that pattern takes at least as many steps, and is checked
 * quickly. If it is not safe, checks the pattern itself.
 */
export const safetyOf = (source: string, flags: string, timeouts = THOROUGH): string => {
  const wider = widened(source, flags)
  if (checkSync(wider.source, wider.flags, { checker: 'automaton', timeout: timeouts.wider }).status === 'safe')
    return 'safe'
  const found = checkSync(source, flags, { timeout: timeouts.exact })
  if (found.status === 'safe') return 'safe'
  return found.status === 'vulnerable' ? `vulnerable: ${found.complexity.summary}` : `unknown: ${found.error.kind}`
}

/** The same pattern for text in lower case, without its large bounds. */
const widened = (source: string, flags: string) => ({
  source: source.replace(/\\.|\[(?:\\.|[^\]\\])*\]|\{(\d+)(,(\d*))?\}|[A-Z]/g, (found, least, range, most) => {
    if (found.startsWith('\\')) return found
    if (found.startsWith('[')) return flags.includes('i') ? loweredClass(found) : found
    if (least === undefined) return flags.includes('i') ? found.toLowerCase() : found
    if (Number(range ? most || LARGE : least) < LARGE) return found
    return Number(least) === 0 ? '*' : '+'
  }),
  flags: flags.replace('i', '')
})

const loweredClass = (set: string) =>
  set.replace(/\\.|[A-Z]/g, found => (found.length > 1 ? found : found.toLowerCase()))
