import { load } from './load.ts'
import { cpuMsOf, machineCpuMs, ownCpuMs, type Running, residentMbOf } from './process.ts'
import type { Workload } from './workloads.ts'

/** A server, and the credentials that it is shown. */
export interface Subject {
  name: string
  title: string
  running: Running
  heads: readonly string[]
}

/** How long and how often. */
export interface Effort {
  /** Before a subject is measured: so many requests of the workload, but no longer than so many seconds. */
  warmRequests: number
  warmSeconds: number
  rounds: number
  seconds: number
}

/** One run of one subject. */
export interface Sample {
  requests: number
  cpuUs: number
  perSecond: number
  /** Share of the server's core that it used: requests per second mean little where it is low. */
  coreShare: number
  p50Ms: number
  p99Ms: number
  /** Share of requests that were refused or broken. */
  refusedShare: number
  residentMb: number
  /** Share of both cores that other programs used. */
  otherShare: number
}

const CORES = 2

/** At least so long is one piece of the warming. */
const WARM_STEP_SECONDS = 2

/** Warms every subject, then measures them in turn: A B C, C B A, … @returns the samples of each subject, by its name */
export const measure = async (
  subjects: readonly Subject[],
  workload: Workload,
  { effort, upstream, folder, report }: Measuring
): Promise<Map<string, Sample[]>> => {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]))
  for (const subject of subjects) await warm(subject, workload, effort, folder)
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const sample = await sampleOf(subject, workload, { seconds: effort.seconds, upstream, folder })
      samples.get(subject.name)?.push(sample)
      report(subject, sample)
    }
  }
  return samples
}

export interface Measuring {
  effort: Effort
  upstream: Running
  folder: string
  report: (subject: Subject, sample: Sample) => void
}

const warm = async ({ running, heads }: Subject, workload: Workload, effort: Effort, folder: string) => {
  const seconds = Math.min(WARM_STEP_SECONDS, effort.warmSeconds)
  let requests = 0
  for (let elapsed = 0; elapsed < effort.warmSeconds && requests < effort.warmRequests; elapsed += seconds) {
    requests += (await load(running.url, workload, { heads, seconds, folder })).requests
  }
}

const sampleOf = async (
  { running, heads }: Subject,
  workload: Workload,
  { seconds, upstream, folder }: { seconds: number; upstream: Running; folder: string }
): Promise<Sample> => {
  const cpuMs = () => ({
    server: cpuMsOf(running.pid),
    ours: cpuMsOf(running.pid) + cpuMsOf(upstream.pid) + ownCpuMs(),
    machine: machineCpuMs()
  })
  const before = cpuMs()
  const startedAt = performance.now()
  const loaded = await load(running.url, workload, { heads, seconds, folder })
  const elapsedMs = performance.now() - startedAt
  const after = cpuMs()
  const serverMs = after.server - before.server
  const otherMs = after.machine - before.machine - (after.ours - before.ours)
  return {
    requests: loaded.requests,
    cpuUs: (serverMs * 1000) / loaded.requests,
    perSecond: loaded.requests / loaded.seconds,
    coreShare: serverMs / elapsedMs,
    p50Ms: loaded.p50Ms,
    p99Ms: loaded.p99Ms,
    refusedShare: (loaded.refused + loaded.broken) / loaded.requests,
    residentMb: residentMbOf(running.pid),
    otherShare: Math.max(0, otherMs / elapsedMs / CORES)
  }
}

/** The samples of a subject in one figure each: CPU over all requests, the median of the rest, the last memory. */
export interface Summary extends Omit<Sample, 'requests'> {
  /** Half the distance between the lowest and the highest CPU per request, as a share of the mean. */
  spread: number
}

export const summaryOf = (samples: readonly Sample[]): Summary => {
  const of = (name: keyof Sample) => samples.map(sample => sample[name])
  const requests = sum(of('requests'))
  const cpuUs = sum(samples.map(sample => sample.cpuUs * sample.requests)) / requests
  return {
    cpuUs,
    spread: (Math.max(...of('cpuUs')) - Math.min(...of('cpuUs'))) / 2 / cpuUs,
    perSecond: median(of('perSecond')),
    coreShare: median(of('coreShare')),
    p50Ms: median(of('p50Ms')),
    p99Ms: median(of('p99Ms')),
    refusedShare: sum(samples.map(sample => sample.refusedShare * sample.requests)) / requests,
    residentMb: samples.at(-1)?.residentMb ?? 0,
    otherShare: Math.max(...of('otherShare'))
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
