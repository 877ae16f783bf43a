import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Lifetime } from '../../../support/harness/lifetime.ts'

/** The output of one block. */
export interface Ran {
  code: number
  stdout: string
  stderr: string
}

/** 60 s: one block generates a client and downloads the generator first. */
const TIMEOUT_MS = 60_000

const END = '--end-of-block--'

/** One bash for all blocks of a page: variables of a block exist in the later ones. */
export const openShell = (t: Lifetime, { cwd, env }: { cwd: string; env: Record<string, string> }) => {
  const child = spawn('bash', ['--noprofile', '--norc'], { cwd, env, stdio: 'pipe', detached: true })
  t.after(async () => stop(child))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  return {
    /** Runs a block. @returns the code of its last failed command, or 0. @throws Error when the block does not end */
    async run(code: string): Promise<Ran> {
      stdout = ''
      stderr = ''
      // Commands must not read the blocks that follow.
      child.stdin.write(`trap FAILED=\\$? ERR; FAILED=0\n{\n${code}\n} </dev/null; printf '\\n${END}%s\\n' "$FAILED"\n`)
      const giveUpAt = performance.now() + TIMEOUT_MS
      for (;;) {
        const ended = new RegExp(`\n${END}(\\d+)\n$`).exec(stdout)
        if (ended) return { code: Number(ended[1]), stdout: stdout.slice(0, ended.index), stderr }
        if (child.exitCode !== null || performance.now() > giveUpAt) {
          throw new Error(`does not end: ${code}\n${stdout.slice(-500)}\n${stderr.slice(-500)}`)
        }
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    }
  }
}

/** Ends the shell and the programs that blocks left running: one process group. */
const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    return
  }
  await once(child, 'exit')
}
