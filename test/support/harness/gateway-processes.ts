import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../../../src/server.ts', import.meta.url))
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

interface Replica {
  url: string
  child: ChildProcess
}

/** Gateways as processes of their own, which are killed without a warning and replaced. */
export interface GatewayProcesses {
  /** Addresses of those that serve. */
  urls(): string[]
  /** Their process ids, in the same order. */
  pids(): number[]
  /** SIGKILL to one that serves, by its own process id, unless it is the last one. */
  killOne(): void
  readonly kills: number
  close(): Promise<void>
}

/** Starts gateways, and a spare one that is ready when one is killed: a start takes longer than the life of most. */
export const gatewayProcesses = async (env: Record<string, string>, count = 2): Promise<GatewayProcesses> => {
  const serving: Replica[] = []
  const spare: Replica[] = []
  const starting = new Set<Promise<void>>()
  const alive = new Set<ChildProcess>()
  let kills = 0
  let isClosed = false

  const start = async () => {
    const child = launched(env)
    alive.add(child)
    child.once('exit', () => alive.delete(child))
    const url = await addressOf(child)
    if (isClosed) child.kill('SIGKILL')
    else spare.push({ url, child })
    fill()
  }
  const begin = () => {
    const started = start()
      .catch(error => {
        if (!isClosed) throw error
      })
      .finally(() => starting.delete(started))
    starting.add(started)
  }
  const fill = () => {
    while (serving.length < count) {
      const next = spare.shift()
      if (!next) break
      serving.push(next)
    }
    while (!isClosed && serving.length + spare.length + starting.size < count + 1) begin()
  }
  const killAll = () => {
    for (const child of alive) child.kill('SIGKILL')
  }
  process.once('exit', killAll)
  await warmedUp(env)
  while (starting.size < count) begin()
  await Promise.all(starting)

  return {
    urls: () => serving.map(({ url }) => url),
    pids: () => serving.flatMap(({ child }) => child.pid ?? []),
    killOne() {
      // The last one goes on: on a busy machine a start takes longer than the pause between two kills.
      if (serving.length < count) return
      const [victim] = serving.splice(Math.floor(Math.random() * serving.length), 1)
      if (victim) kills += Number(victim.child.kill('SIGKILL'))
      fill()
    },
    get kills() {
      return kills
    },
    async close() {
      isClosed = true
      process.off('exit', killAll)
      const gone = [...alive].map(child => once(child, 'exit'))
      killAll()
      await Promise.all(gone)
    }
  }
}

const launched = (env: Record<string, string>) =>
  spawn(process.execPath, [SERVER], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: join(env['DATA_DIR'] ?? tmpdir(), 'compiled'),
      ...env,
      PORT: '0',
      MANAGEMENT_PORT: '0'
    },
    stdio: ['ignore', 'pipe', 'inherit']
  })

/** One that ends in peace leaves its compiled code to the others, whose start is then shorter by a third (measured). */
const warmedUp = async (env: Record<string, string>) => {
  const child = launched(env)
  await addressOf(child)
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** The address in the banner, which is written when it listens. @throws Error when it ends before */
const addressOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', chunk => {
      text += String(chunk)
      const url = /hostkey-s3-gateway\s+(\S+)/.exec(text)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.once('exit', code => reject(new Error(`a gateway ended with ${code}: ${text.slice(-500)}`)))
  })
