import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Lifetime } from '../../support/harness/lifetime.ts'

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** 30 s: an example that takes longer waits for something. */
const TIMEOUT_MS = 30_000

/** Runs an example to its end, with these variables alone. */
export const ran = async (command: string, args: readonly string[], env: Record<string, string>): Promise<Ran> => {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS
  })
  const told = { stdout: '', stderr: '' }
  child.stdout.on('data', text => (told.stdout += text))
  child.stderr.on('data', text => (told.stderr += text))
  const [code] = await once(child, 'close')
  return { code, ...told }
}

/** Starts an example that goes on, and waits for the address in what it prints. */
export const served = async (t: Lifetime, script: string, env: Record<string, string>): Promise<string> => {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill()
    await ended
  })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', chunk => {
      text += chunk
      const url = /http:\/\/\S+/.exec(text)?.[0]
      if (url) resolve(url)
    })
    ended.then(([code]) => reject(new Error(`${script} ended with ${code}: ${text}`)), reject)
  })
}
