import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Instrumented } from './instrumenter.ts'

/** How a test file ended, and its duration. `late`: it was killed at its limit, because a mutant can make it run forever. */
export interface Ran {
  ended: 'passed' | 'failed' | 'late'
  ms: number
}

/** A copy of the project in a temporary folder, with the mutants in it. */
export interface Tree {
  /** Runs a test file until its first failure. @param mutant id of the mutant to switch on */
  run(testFile: string, limitMs: number, mutant?: string): Promise<Ran>
  /** Runs a test file without any mutant. @returns also the ids of the mutants that it reached */
  cover(testFile: string, limitMs: number): Promise<Ran & { covered: string[] }>
  remove(): void
}

const LEFT_OUT = new Set(['node_modules', '.git', '.data', '.env', 'coverage'])

export const createTree = ({ files }: Pick<Instrumented, 'files'>): Tree => {
  const root = mkdtempSync(join(tmpdir(), 'hks3-mutation-'))
  const project = join(root, 'project')
  const scratch = join(root, 'tmp')
  const covered = join(root, 'covered.json')
  mkdirSync(scratch)
  cpSync(resolve('.'), project, { recursive: true, filter: from => !LEFT_OUT.has(basename(from)) })
  symlinkSync(resolve('node_modules'), join(project, 'node_modules'))
  for (const { name, content } of files) writeFileSync(join(project, name), content)

  const run = async (args: string[], limitMs: number, env: Record<string, string>): Promise<Ran> => {
    const startedAt = performance.now()
    const child = spawn(process.execPath, args, {
      cwd: project,
      env: { PATH: process.env['PATH'], TMPDIR: scratch, TAP_BAIL: '1', TAP_TIMEOUT: '240', ...env },
      stdio: 'ignore',
      // A process group of its own: killing the group also ends the processes that it started.
      detached: true
    })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, limitMs)
    const [code] = await once(child, 'close')
    clearTimeout(timer)
    return { ended: isLate ? 'late' : code === 0 ? 'passed' : 'failed', ms: performance.now() - startedAt }
  }

  return {
    run: (testFile, limitMs, mutant) =>
      run([testFile], limitMs, mutant === undefined ? {} : { __STRYKER_ACTIVE_MUTANT__: mutant }),
    async cover(testFile, limitMs) {
      rmSync(covered, { force: true })
      const args = ['--import', './test/long/mutation/coverage.ts', testFile]
      const ran = await run(args, limitMs, { MUTATION_COVERAGE: covered })
      return { ...ran, covered: ran.ended === 'passed' ? JSON.parse(readFileSync(covered, 'utf8')) : [] }
    },
    remove: () => rmSync(root, { recursive: true, force: true })
  }
}
