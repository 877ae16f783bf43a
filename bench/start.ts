import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, SERVER_CORE } from './process.ts'

const STARTS = 6
const POLL_MS = 2
const MAX_MS = 20_000

/** Goal of the gateway: from the start of the process until `/readyz` answers 200, ms. */
export const START_GOAL_MS = 600

export interface StartResult {
  title: string
  /** The middle of a few starts, and the best. */
  medianMs: number
  bestMs: number
}

/** How long the gateway takes to be ready: as `npm start` runs it, and as the image does. */
export const startTimes = async (upstream: string, folder: string): Promise<StartResult[]> => {
  await promisify(execFile)('npm', ['run', 'build'])
  const results: StartResult[] = []
  for (const [title, script] of [
    ['as npm start runs it', 'src/server.ts'],
    ['compiled, as the image runs it', 'dist/src/server.js']
  ] as const) {
    const times: number[] = []
    // The first start fills the cache of compiled code, as the build of the image does.
    for (let n = 0; n <= STARTS; n += 1) times.push(await startOnce(script, upstream, folder))
    const sorted = times.slice(1).sort((a, b) => a - b)
    results.push({ title, medianMs: sorted[STARTS >> 1] ?? 0, bestMs: sorted[0] ?? 0 })
  }
  return results
}

const startOnce = async (script: string, upstream: string, folder: string): Promise<number> => {
  const [port, managementPort] = [await freePort(), await freePort()]
  const env = { PORT: String(port), MANAGEMENT_PORT: String(managementPort), UPSTREAM_URL: `${upstream}/` }
  const startedAt = performance.now()
  const child = spawn('taskset', ['-c', String(SERVER_CORE), process.execPath, 'scripts/start.cjs', script], {
    env: { PATH: process.env['PATH'], DATA_DIR: `${folder}/data`, ...env },
    stdio: 'ignore'
  })
  try {
    while (performance.now() - startedAt < MAX_MS) {
      const isReady = await fetch(`http://127.0.0.1:${managementPort}/readyz`).then(
        reply => reply.ok,
        () => false
      )
      if (isReady) return performance.now() - startedAt
      await pause(POLL_MS)
    }
    throw new Error(`${script} does not start.`)
  } finally {
    // Ended in order, it keeps its compiled code.
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
}
