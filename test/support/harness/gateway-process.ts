import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import type { Lifetime } from './lifetime.ts'

const SERVER = fileURLToPath(new URL('../../../src/server.ts', import.meta.url))

/** 20 s: a start on a machine that does much else. */
export const START_MS = 20_000

/** How a process has ended. */
export interface Ended {
  code: number | null
  /** From the first signal that it was sent, or from its start. */
  ms: number
}

export interface GatewayProcess {
  child: ChildProcess
  url: string
  managementUrl: string
  /** Its log, line by line. */
  log(): Record<string, unknown>[]
  /** Sends it a signal, by its own process id. */
  signal(name: 'SIGTERM' | 'SIGINT'): void
  ended: Promise<Ended>
}

/** How it is started: a program in front of node, as `faketime` is, with its own arguments. */
export interface Launch {
  wrapper?: readonly string[]
}

/** The gateway as an operator starts it, with these settings alone; killed at the end of the test if it still runs. */
export const gatewayProcess = async (
  t: Lifetime,
  env: Record<string, string>,
  { wrapper = [] }: Launch = {}
): Promise<GatewayProcess> => {
  const [program = process.execPath, ...args] = [...wrapper, process.execPath, SERVER]
  const child = spawn(program, args, {
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      MANAGEMENT_PORT: '0',
      AUDIT_LOG: '/dev/null',
      NODE_ENV: 'test',
      ...env
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let since = performance.now()
  let output = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code, ms: performance.now() - since }))
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const addressIn = (pattern: RegExp) => pattern.exec(output)?.[1] ?? ''
  await eventually(() => /upstream +\S+\n/.test(output) || child.exitCode !== null, START_MS)
  const url = addressIn(/^hostkey-s3-gateway +(\S+)$/m)
  if (url === '') throw new Error(`the gateway did not start: ${output.slice(-1000)}`)
  return {
    child,
    url,
    managementUrl: addressIn(/metrics +(\S+)\/metrics$/m),
    log: () =>
      output
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line)),
    signal(name) {
      since = performance.now()
      child.kill(name)
    },
    ended
  }
}
