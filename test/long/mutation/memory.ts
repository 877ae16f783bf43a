import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Mutant } from './instrumenter.ts'
import type { Verdict } from './judge.ts'

const FILE = '.mutation.json'

const hashOf = (...texts: string[]) => createHash('sha256').update(texts.join('\0')).digest('base64url')
const sourceOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')

type Known = Record<string, { fate: 'killed' | 'late'; by: string; test: string }>

const read = (): Known => (existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {})

const keyOf = ({ file, line, kind, original, replacement }: Mutant) =>
  hashOf(sourceOf(file), file, String(line), kind, original, replacement)

/**
 * The mutant's verdict of a run before. It holds as long as neither the mutated file nor the test file that noticed it
 * has changed; what else may have changed is not looked at.
 */
export const recalled = (mutant: Mutant): Verdict | undefined => {
  const found = read()[keyOf(mutant)]
  if (!found || hashOf(sourceOf(found.by)) !== found.test) return undefined
  return { mutant, fate: found.fate, by: found.by }
}

/** Remembers a mutant that was noticed. */
export const keep = ({ mutant, fate, by }: Verdict): void => {
  if (by === undefined || (fate !== 'killed' && fate !== 'late')) return
  // Read afresh: another run may be under way.
  const known = { ...read(), [keyOf(mutant)]: { fate, by, test: hashOf(sourceOf(by)) } }
  writeFileSync(FILE, JSON.stringify(known))
}
