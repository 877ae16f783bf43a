import { basename, dirname } from 'node:path'
import type { Mutant } from './instrumenter.ts'
import type { Tree } from './tree.ts'

/** What became of a mutant. `late`: a test file did not end any more, which is noticed too. */
export interface Verdict {
  mutant: Mutant
  fate: 'killed' | 'late' | 'survived' | 'uncovered'
  /** The test file that noticed it. */
  by?: string
}

/** A test file that passes without mutants: how long it takes, and which mutants it comes by. */
export interface TestFile {
  name: string
  ms: number
  covered: ReadonlySet<string>
}

/** 30 s of tests for one mutant, the most promising first: who survives them counts as one who survives all. */
const MAX_MS = 30_000

/** A test file takes so much longer when a mutant makes it wait: beyond that, it is ended. */
const limitOf = (ms: number) => 4 * ms + 10_000

/** 4 min: as in a run of the tests. */
const FIRST_LIMIT_MS = 240_000

/**
 * Runs each test file once without any mutant.
 * @throws Error when one fails: then nobody could say why it fails with a mutant
 */
export const coverageOf = async (tree: Tree, names: string[], report: (line: string) => void): Promise<TestFile[]> => {
  const files: TestFile[] = []
  for (const name of names) {
    const first = await tree.cover(name, FIRST_LIMIT_MS)
    // Once more: on a busy machine a test that measures time may fail.
    const { ended, ms, covered } = first.ended === 'passed' ? first : await tree.cover(name, FIRST_LIMIT_MS)
    if (ended !== 'passed')
      throw new Error(`${name} does not pass without a mutant: ${ended} after ${Math.round(ms)} ms`)
    report(`${name}: ${Math.round(ms)} ms, comes by ${covered.length} mutants`)
    files.push({ name, ms, covered: new Set(covered) })
  }
  return files
}

/** Judges mutants by the test files that come by them. */
export const createJudge = (tree: Tree, files: readonly TestFile[]) => {
  /** Who has noticed mutants of a file so far is likely to notice the next. */
  const noticed = new Map<string, number>()
  const pairOf = (mutant: Mutant, { name }: TestFile) => `${mutant.file} ${name}`

  /** How soon a file is likely to notice a mutant: likelihood by time, greatest first. */
  const promiseOf = (mutant: Mutant, file: TestFile): number => {
    const isNamesake = basename(file.name, '.test.ts') === basename(mutant.file, '.ts')
    const isNear = basename(dirname(file.name)) === dirname(mutant.file).split('/')[1]
    const likelihood = 0.2 + (isNamesake ? 3 : 0) + (isNear ? 1 : 0) + (noticed.get(pairOf(mutant, file)) ?? 0)
    return likelihood / file.ms
  }

  return {
    async judge(mutant: Mutant): Promise<Verdict> {
      const candidates = files
        .filter(({ covered }) => covered.has(mutant.id))
        .sort((a, b) => promiseOf(mutant, b) - promiseOf(mutant, a))
      if (candidates.length === 0) return { mutant, fate: 'uncovered' }
      let spentMs = 0
      for (const file of candidates) {
        if (spentMs >= MAX_MS) break
        spentMs += file.ms
        const { ended } = await tree.run(file.name, limitOf(file.ms), mutant.id)
        if (ended === 'passed') continue
        noticed.set(pairOf(mutant, file), (noticed.get(pairOf(mutant, file)) ?? 0) + 1)
        return { mutant, fate: ended === 'late' ? 'late' : 'killed', by: file.name }
      }
      return { mutant, fate: 'survived' }
    },
    /** Does a test file still pass without any mutant? Else what it has noticed was something else. */
    async isSteady(name: string): Promise<boolean> {
      const ms = files.find(file => file.name === name)?.ms ?? FIRST_LIMIT_MS
      return (await tree.run(name, limitOf(ms))).ended === 'passed'
    }
  }
}
