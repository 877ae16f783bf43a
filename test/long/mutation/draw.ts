import { createHash } from 'node:crypto'
import type { Mutant } from './instrumenter.ts'

/**
 * A random sample of mutants, from each file in proportion. The same seed gives the same sample; a change of one file
 * changes at most one mutant of each other file.
 */
export const sampleOf = (mutants: readonly Mutant[], sample: number, seed: number): Mutant[] => {
  const share = Math.min(1, sample / mutants.length)
  const chosen: Mutant[] = []
  let passed = 0
  for (const [, all = []] of Object.entries(Object.groupBy(mutants, ({ file }) => file))) {
    const until = Math.round((passed + all.length) * share)
    const quota = until - Math.round(passed * share)
    passed += all.length
    chosen.push(...shuffled(all, seed).slice(0, quota))
  }
  // Not file by file: the results of an aborted run are a sample too.
  return shuffled(chosen, seed)
}

const shuffled = (mutants: readonly Mutant[], seed: number): Mutant[] =>
  mutants
    .map((mutant, index) => {
      const { file, kind, original, replacement } = mutant
      const text = [seed, file, kind, original, replacement, index].join('\0')
      return { mutant, rank: createHash('sha256').update(text).digest('hex') }
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ mutant }) => mutant)
