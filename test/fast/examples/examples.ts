import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Sandbox } from '../../../src/sandbox/index.ts'
import type { Lifetime } from '../../support/harness/lifetime.ts'

export interface Result {
  code: number | null
  stdout: string
  stderr: string
}

/** 30 s: an example that takes longer hangs. */
const TIMEOUT_MS = 30_000

/** Runs an example to its end, with only these environment variables. */
export const runExample = async (
  command: string,
  args: readonly string[],
  env: Record<string, string>
): Promise<Result> => {
  const child = spawn(command, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', text => (output.stdout += text))
  child.stderr.on('data', text => (output.stderr += text))
  const [code] = await once(child, 'close')
  return { code, ...output }
}

/** Starts an example server. @returns the address that it prints */
export const serveExample = async (t: Lifetime, script: string, env: Record<string, string>): Promise<string> => {
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

/** The paths of the files in a bucket of the sandbox. */
export const pathsIn = ({ control }: Pick<Sandbox, 'control'>, bucket: string): string[] =>
  control
    .state()
    .buckets.filter(({ name }) => name === bucket)
    .flatMap(({ files }) => files.map(([path]) => path))
