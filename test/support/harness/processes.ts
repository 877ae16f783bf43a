import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import type { Lifetime } from './lifetime.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** 20 s: a start on a busy machine. */
export const START_MS = 20_000

export interface LaunchOptions {
  /** A program in front of node, with its arguments, such as `faketime`. */
  wrapper?: readonly string[]
  /** File descriptor of the standard output, instead of a pipe. */
  stdout?: number
  /** Where it runs: another build of the project. */
  folder?: string
}

/** How a process has ended. */
interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  /** Since the first signal sent by `signal()`, or since the start. */
  ms: number
  out: string
  err: string
}

/** A program of this project in a process of its own. */
export interface Program {
  child: ChildProcess
  /** Everything that it has printed so far. */
  printed: { out: string; err: string }
  /** The lines of its log. */
  log(): Record<string, unknown>[]
  signal(name: NodeJS.Signals): void
  ended: Promise<Ended>
  residentBytes(): number
}

export interface GatewayProcess extends Program {
  url: string
  managementUrl: string
}

/** Starts a program as `npm start` does, with these settings alone; the end of the test kills it if it still runs. */
export const launch = (
  t: Lifetime,
  script: 'src/server.ts' | 'src/sandbox/main.ts',
  env: Record<string, string> = {},
  { wrapper = [], stdout, folder = ROOT }: LaunchOptions = {}
): Program => {
  const [program = process.execPath, ...args] = [...wrapper, process.execPath, 'scripts/start.cjs', script]
  const cache = process.env['NODE_COMPILE_CACHE']
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...(cache !== undefined && { NODE_COMPILE_CACHE: cache }),
      PORT: '0',
      MANAGEMENT_PORT: '0',
      SANDBOX_PORT: '0',
      ...env
    },
    stdio: ['pipe', stdout ?? 'pipe', 'pipe']
  })
  let since = performance.now()
  const printed = { out: '', err: '' }
  child.stdout?.on('data', chunk => {
    printed.out += chunk
  })
  child.stderr?.on('data', chunk => {
    printed.err += chunk
  })
  // Output may arrive after the event `exit`.
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    ms: performance.now() - since,
    ...printed
  }))
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    printed,
    log: () =>
      printed.out
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line)),
    signal(name) {
      since = performance.now()
      child.kill(name)
    },
    ended,
    residentBytes: () => residentBytesOf(child.pid)
  }
}

/** Waits for an address in the output. @throws Error when the process ends or takes too long */
const addressIn = async ({ child, printed }: Program, pattern: RegExp): Promise<string> => {
  await eventually(() => pattern.test(printed.out) || child.exitCode !== null, START_MS)
  const address = pattern.exec(printed.out)?.[1]
  if (address === undefined) throw new Error(`no start: ${printed.out.slice(-500)} ${printed.err.slice(-500)}`)
  return address
}

/** A gateway as an operator starts it, ready to serve. @throws Error when it does not start */
export const gatewayProcess = async (
  t: Lifetime,
  env: Record<string, string>,
  options: LaunchOptions = {}
): Promise<GatewayProcess> => {
  const program = launch(t, 'src/server.ts', { AUDIT_LOG: '/dev/null', NODE_ENV: 'test', ...env }, options)
  const managementUrl = await addressIn(program, /metrics +(\S+)\/metrics\n {2}upstream .*\n/)
  return { ...program, url: await addressIn(program, /^hostkey-s3-gateway +(\S+)$/m), managementUrl }
}

/** A sandbox in a process of its own. */
export const sandboxProcess = async (t: Lifetime): Promise<Program & { url: string; storageUrl: string }> => {
  const program = launch(t, 'src/sandbox/main.ts')
  const url = await addressIn(program, /^The sandbox listens on (\S+)$/m)
  return { ...program, url, storageUrl: await addressIn(program, /STORAGE_ENDPOINTS=NL=([^|]+)/) }
}

/** From Linux's /proc. */
const residentBytesOf = (pid: number | undefined): number => {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1024
}
