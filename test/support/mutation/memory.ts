import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Mutant } from './instrumenter.ts'
import type { Verdict } from './judge.ts'

const FILE = '.mutation.json'

const hashOf = (...texts: string[]) => createHash('sha256').update(texts.join('\0')).digest('base64url')
const sourceOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')

/**
 * Which mutants were noticed in runs before. That holds as long as neither the mutated file nor the test file has
 * changed; what else may have changed is not looked at, so a run for the record begins without.
 */
export const memoryOf = (isKept: boolean) => {
  const known: Record<string, { fate: 'killed' | 'late'; by: string; test: string }> =
    isKept && existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {}
  const keyOf = ({ file, line, kind, original, replacement }: Mutant) =>
    hashOf(sourceOf(file), file, String(line), kind, original, replacement)
  return {
    recall(mutant: Mutant): Verdict | undefined {
      const found = known[keyOf(mutant)]
      if (!found || hashOf(sourceOf(found.by)) !== found.test) return undefined
      return { mutant, fate: found.fate, by: found.by }
    },
    keep({ mutant, fate, by }: Verdict): void {
      if (by === undefined || (fate !== 'killed' && fate !== 'late')) return
      known[keyOf(mutant)] = { fate, by, test: hashOf(sourceOf(by)) }
      writeFileSync(FILE, JSON.stringify(known))
    }
  }
}
