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
 * The mutant's verdict of an earlier run. It is valid while the mutated file and the test file that detected it are
 * unchanged; changes of other files are not considered.
 */
export const recall = (mutant: Mutant): Verdict | undefined => {
  const found = read()[keyOf(mutant)]
  if (!found || hashOf(sourceOf(found.by)) !== found.test) return undefined
  return { mutant, fate: found.fate, by: found.by }
}

/** Stores the verdict of a detected mutant. */
export const keep = ({ mutant, fate, by }: Verdict): void => {
  if (by === undefined || (fate !== 'killed' && fate !== 'late')) return
  // Read again, because another run may have written.
  const known = { ...read(), [keyOf(mutant)]: { fate, by, test: hashOf(sourceOf(by)) } }
  writeFileSync(FILE, JSON.stringify(known))
}
