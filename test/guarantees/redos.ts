import { createRequire } from 'node:module'
import type { checkSync as CheckSync } from 'recheck'

/** The part of recheck that is JavaScript alone: the main entry starts a program of its own. */
const { checkSync } = createRequire(import.meta.url)('recheck/lib/browser.js') as { checkSync: typeof CheckSync }

/** Milliseconds for one pattern: most take a few, the slowest 15 s on a busy machine. */
export const THOROUGH = { wider: 1000, exact: 15_000 }

/** From here on a repetition with a bound costs the checker more than one without. */
const LARGE = 5

/**
 * Can no text make this pattern run away? `safe`, or what is wrong.
 * First without bounds and without regard to case, which takes the same steps or more and is quickly told; where that
 * is not safe, as it stands.
 */
export const safetyOf = (source: string, flags: string, timeouts = THOROUGH): string => {
  const wider = widened(source, flags)
  if (checkSync(wider.source, wider.flags, { checker: 'automaton', timeout: timeouts.wider }).status === 'safe')
    return 'safe'
  const found = checkSync(source, flags, { timeout: timeouts.exact })
  if (found.status === 'safe') return 'safe'
  return found.status === 'vulnerable' ? `vulnerable: ${found.complexity.summary}` : `unknown: ${found.error.kind}`
}

/** The same pattern on text in lower case, with each large bound taken away. */
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
