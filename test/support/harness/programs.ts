import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Lifetime } from './lifetime.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A program of ours in a process of its own. */
export interface Program {
  child: ChildProcess
  url: string
  /** Everything that it has printed. */
  printed(): string
  /** Memory that it holds, bytes. */
  residentBytes(): number
}

/**
 * Starts a program of `src/` for one test, and waits for the address in what it prints.
 * @throws Error when it ends before
 */
export const program = async (t: Lifetime, script: 'server' | 'sandbox/main', env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, [`src/${script}.ts`], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], PORT: '0', MANAGEMENT_PORT: '0', SANDBOX_PORT: '0', LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let text = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', chunk => {
      text += String(chunk)
      const address = /^(?:hostkey-s3-gateway +|The sandbox listens on )(\S+)$/m.exec(text)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once('exit', code => reject(new Error(`${script} ended with ${code}: ${text.slice(-500)}`)))
  })
  return { child, url, printed: () => text, residentBytes: () => residentBytesOf(child.pid) } satisfies Program
}

/** As Linux tells it. */
const residentBytesOf = (pid: number | undefined): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1024
}
