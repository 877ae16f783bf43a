import { basename, dirname } from 'node:path'
import type { Mutant } from './instrumenter.ts'
import type { Tree } from './tree.ts'

/** The result for a mutant. `late`: a test file no longer ended, which also detects the mutant. */
export interface Verdict {
  mutant: Mutant
  fate: 'killed' | 'late' | 'survived' | 'uncovered'
  /** The test file that detected it. */
  by?: string
}

/** A test file that passes without mutants: its duration and the mutants that it reaches. */
export interface TestFile {
  name: string
  ms: number
  covered: ReadonlySet<string>
}

/** 30 s of tests for one mutant, the most likely first; a mutant that survives them counts as surviving all. */
const MAX_MS = 30_000

/** Time limit of a test file with a mutant, from its duration without one. */
const limitOf = (ms: number) => 4 * ms + 10_000

/** 4 min: the slowest file on a busy machine, doubled. */
const FIRST_LIMIT_MS = 240_000

/**
 * Runs each test file once without any mutant.
 * @throws Error when one fails: its failures with a mutant would mean nothing
 */
export const coverageOf = async (tree: Tree, names: string[], report: (line: string) => void): Promise<TestFile[]> => {
  const files: TestFile[] = []
  for (const name of names) {
    const first = await tree.cover(name, FIRST_LIMIT_MS)
    // A second try: a test that measures time may fail on a busy machine.
    const { ended, ms, covered } = first.ended === 'passed' ? first : await tree.cover(name, FIRST_LIMIT_MS)
    if (ended !== 'passed')
      throw new Error(`${name} does not pass without a mutant: ${ended} after ${Math.round(ms)} ms`)
    report(`${name}: ${Math.round(ms)} ms, reaches ${covered.length} mutants`)
    files.push({ name, ms, covered: new Set(covered) })
  }
  return files
}

/** Judges mutants by the test files that reach them. */
export const createJudge = (tree: Tree, files: readonly TestFile[]) => {
  /** Detections by test file and source file: they predict the next ones. */
  const detections = new Map<string, number>()
  const pairOf = (mutant: Mutant, { name }: TestFile) => `${mutant.file} ${name}`

  /** Likelihood per millisecond that a test file detects a mutant. */
  const priorityOf = (mutant: Mutant, file: TestFile): number => {
    const isNamesake = basename(file.name, '.test.ts') === basename(mutant.file, '.ts')
    const isNear = basename(dirname(file.name)) === dirname(mutant.file).split('/')[1]
    const likelihood = 0.2 + (isNamesake ? 3 : 0) + (isNear ? 1 : 0) + (detections.get(pairOf(mutant, file)) ?? 0)
    return likelihood / file.ms
  }

  return {
    async judge(mutant: Mutant): Promise<Verdict> {
      const candidates = files
        .filter(({ covered }) => covered.has(mutant.id))
        .sort((a, b) => priorityOf(mutant, b) - priorityOf(mutant, a))
      if (candidates.length === 0) return { mutant, fate: 'uncovered' }
      let usedMs = 0
      for (const file of candidates) {
        if (usedMs >= MAX_MS) break
        usedMs += file.ms
        const { ended } = await tree.run(file.name, limitOf(file.ms), mutant.id)
        if (ended === 'passed') continue
        detections.set(pairOf(mutant, file), (detections.get(pairOf(mutant, file)) ?? 0) + 1)
        return { mutant, fate: ended === 'late' ? 'late' : 'killed', by: file.name }
      }
      return { mutant, fate: 'survived' }
    },
    /** Does the test file pass without a mutant? If not, it detected something else. */
    async isSteady(name: string): Promise<boolean> {
      const ms = files.find(file => file.name === name)?.ms ?? FIRST_LIMIT_MS
      return (await tree.run(name, limitOf(ms))).ended === 'passed'
    }
  }
}
