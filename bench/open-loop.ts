import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { load } from './load.ts'
import type { Subject } from './measure.ts'
import { LOAD_CORE, type Running } from './process.ts'
import { CONNECTIONS, workloadOf } from './workloads.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('open-load.ts', import.meta.url))

export const OPEN_CONNECTIONS = 500
export const OPEN_UPSTREAM_MS = 20
const SHARE = 0.6
/** Until then most of the code is not compiled. */
const WARM_SECONDS = 10

/** Goal of the gateway: added latency over raw-pass, ms. */
export const OPEN_GOALS = { p50Ms: 1, p99Ms: 5 }

export interface OpenFigures {
  requests: number
  failed: number
  p50Ms: number
  p99Ms: number
}

export interface OpenResult {
  /** Requests per second: 60 % of what the gateway can answer. */
  rate: number
  base: OpenFigures
  gateway: OpenFigures
}

export interface OpenLoadOptions {
  /** `{n}` stands for one of the `distinct` numbers. */
  path: string
  distinct: number
  heads: readonly string[]
  /** Requests per second. */
  rate: number
  seconds: number
  connections: number
}

/** Requests by a fixed schedule, sent by a program on the core of the load. */
export const runOpenLoad = async ({ url }: Running, { heads, ...options }: OpenLoadOptions): Promise<OpenFigures> => {
  const args = { port: new URL(url).port, heads: heads.join('\n'), ...options }
  const { stdout } = await run('taskset', [
    ...['-c', String(LOAD_CORE), process.execPath, PROGRAM],
    ...Object.entries(args).map(([name, value]) => `--${name}=${value}`)
  ])
  return JSON.parse(stdout) as OpenFigures
}

/** Requests by a fixed schedule, to raw-pass and to the gateway in turn: the time that the gateway adds. */
export const openLoop = async (
  base: Subject,
  gateway: Subject,
  { seconds, rounds, folder }: { seconds: number; rounds: number; folder: string }
): Promise<OpenResult> => {
  const workload = workloadOf('W1')
  const loading = { heads: gateway.heads, seconds, folder, connections: OPEN_CONNECTIONS }
  for (const { running } of [base, gateway]) {
    // Few at first: until HOSTKEY has accepted a token, all of an address share a few slots, and most would be refused.
    await load(running.url, workload, {
      ...loading,
      connections: CONNECTIONS,
      seconds: Math.max(WARM_SECONDS, seconds)
    })
    await load(running.url, workload, loading)
  }
  const capacity = await load(gateway.running.url, workload, loading)
  const rate = Math.floor(((capacity.requests - capacity.refused) / capacity.seconds) * SHARE)
  if (!(rate > 0)) throw new Error(`The gateway answers nothing: ${JSON.stringify(capacity)}`)
  const figuresOf = ({ running, heads }: Subject): Promise<OpenFigures> => {
    const { path, distinct } = workload
    return runOpenLoad(running, { path, distinct, heads, rate, seconds, connections: OPEN_CONNECTIONS })
  }
  const samples: { base: OpenFigures[]; gateway: OpenFigures[] } = { base: [], gateway: [] }
  for (let round = 0; round < rounds; round += 1) {
    samples.base.push(await figuresOf(base))
    samples.gateway.push(await figuresOf(gateway))
  }
  return { rate, base: middleOf(samples.base), gateway: middleOf(samples.gateway) }
}

/** The run with the middle p99. */
const middleOf = (figures: OpenFigures[]): OpenFigures => {
  const middle = figures.toSorted((a, b) => a.p99Ms - b.p99Ms)[Math.floor(figures.length / 2)]
  if (middle === undefined) throw new Error('No round was run.')
  return middle
}
