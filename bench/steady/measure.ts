import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startGateway, TOKEN } from '../gateway.ts'
import type { Running } from '../process.ts'
import type { Workload } from '../workloads.ts'
import type { Probed, Question } from './questions.ts'
import { systemCallsOf } from './system-calls.ts'

/** What one request takes, whatever the machine and whatever else it does. */
export interface Steady {
  /** Allocated on the heap, by code that is not optimised: what V8 optimises away depends on time. */
  heapBytes: number
  /** Promises, ticks, timers and sockets that are made. */
  asyncResources: number
  /** That send, open or close something; absent where strace is missing. */
  systemCalls?: number
}

const PROBE = fileURLToPath(new URL('probe.ts', import.meta.url))

/**
 * A young generation that takes all that is allocated in a pass, and an old one that is not collected either: without a
 * collection, growth is allocation.
 */
const NODE_ARGS = [
  ...['--expose-gc', '--no-opt', '--no-maglev', '--no-sparkplug'],
  ...['--min-semi-space-size=256', '--max-semi-space-size=256', '--initial-old-space-size=512', `--import=${PROBE}`]
]

/** Until then lazy parts are made and V8 has its feedback. */
const WARM = 1000
const REQUESTS = 300
const PASSES = 3

const ATTEMPTS = 5
/** Longer than the gateway needs to take all requests again. */
const RECOVERY_MS = 5000

export const startProbed = (upstream: string, folder: string): Promise<Running> =>
  startGateway({ upstream, folder, nodeArgs: NODE_ARGS, hasChannel: true })

const ask = async ({ child }: Running, question: Question): Promise<Probed> => {
  const answer = once(child, 'message')
  child.send(question)
  const [probed] = await answer
  return probed as Probed
}

let n = 0

/** One request after the other over one connection. */
const send = async ({ url }: Running, { method, path, status }: Workload, requests: number): Promise<void> => {
  const headers = { authorization: `Bearer ${TOKEN}` }
  for (let sent = 0; sent < requests; sent += 1) {
    n += 1
    const reply = await fetch(url + path.replace('{n}', String(n)), { method, headers })
    const text = await reply.text()
    if (reply.status !== status) throw new Error(`${method} ${path} is answered with ${reply.status}: ${text}`)
  }
}

/** A busy machine makes the gateway shed load, or collect its heap: the pass is repeated. @throws the last error */
const repeatDisturbed = async <T>(pass: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pass()
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
      await pause(RECOVERY_MS)
    }
  }
}

/** Measures a workload. @throws Error the gateway does not answer as it should */
export const steadyOf = async (gateway: Running, workload: Workload, folder: string): Promise<Steady> => {
  await repeatDisturbed(() => send(gateway, workload, WARM))
  const heapPass = async () => {
    const before = await ask(gateway, 'collect')
    await send(gateway, workload, REQUESTS)
    const after = await ask(gateway, 'heap')
    if (after.collections !== before.collections) throw new Error('The heap was collected: make its space larger.')
    return (after.heapBytes - before.heapBytes) / REQUESTS
  }
  const heap: number[] = []
  for (let pass = 0; pass < PASSES; pass += 1) heap.push(await repeatDisturbed(heapPass))
  const resources = await repeatDisturbed(async () => {
    const before = await ask(gateway, 'hook')
    await send(gateway, workload, REQUESTS)
    const after = await ask(gateway, 'unhook')
    return after.resources - before.resources
  })
  const calls = await repeatDisturbed(() => systemCallsOf(gateway.pid, folder, () => send(gateway, workload, REQUESTS)))
  return {
    heapBytes: Math.round(Math.min(...heap)),
    asyncResources: perRequest(resources),
    ...(calls !== undefined && { systemCalls: perRequest(calls) })
  }
}

/** To one decimal: single events beside the requests do not count. */
const perRequest = (count: number): number => Math.round((count / REQUESTS) * 10) / 10
