import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine } from '../src/core/command-line.ts'
import { chartOf } from './chart.ts'
import { check } from './check.ts'
import { BEARER, headsOf, startGateway, TOKEN } from './gateway.ts'
import { install } from './install.ts'
import { type Effort, measure, type Subject, summaryOf } from './measure.ts'
import { memoryOf } from './memory.ts'
import { OPEN_UPSTREAM_MS, openLoop } from './open-loop.ts'
import { BASE, peers, startPeer } from './peers.ts'
import { type Running, residentMbOf } from './process.ts'
import { type More, moreOf, pageOf, type Result, tableOf } from './report.ts'
import { startTimes } from './start.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { type Workload, workloadOf, workloads } from './workloads.ts'

const USAGE = `npm run bench -- [--quick] [--workloads W1,W2] [--peers raw-pass,express] [--open-loop] [--memory]

  --quick      all in less than 3 minutes; figures are rough, and nothing is written
  --workloads  only these: ${workloads.map(({ id }) => id).join(' ')}
  --open-loop  only this: the time that the gateway adds, by a fixed schedule, at 60 % of its capacity
  --memory     only this: resident memory after 100,000 requests of each of four kinds, and after 1,000,000 more
  --peers      only these beside the gateway: ${peers.map(({ name }) => name).join(' ')}

The full run takes 30 minutes and writes docs/reference/performance.md and .svg.
`

/** 70,000 requests: until then Node's compiler still changes what a request costs (measured). */
const FULL: Effort = { warmRequests: 70_000, warmSeconds: 30, rounds: 3, seconds: 5 }
const QUICK: Effort = { warmRequests: 70_000, warmSeconds: 1, rounds: 2, seconds: 1 }

const { values } = readCommandLine({
  usage: USAGE,
  options: {
    quick: { type: 'boolean', default: false },
    workloads: { type: 'string' },
    peers: { type: 'string' },
    'open-loop': { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false }
  }
})
const isPart = values['open-loop'] || values.memory
const chosenWorkloads = values.workloads?.split(',').map(workloadOf) ?? (isPart ? [] : workloads)
const wantedPeers = new Set([BASE, ...(values.peers?.split(',') ?? (isPart ? [] : peers).map(({ name }) => name))])
const chosenPeers = peers.filter(({ name }) => wantedPeers.has(name))
const isComplete = !values.quick && chosenWorkloads.length === workloads.length && chosenPeers.length === peers.length

/** Starts all servers, checks and measures them. */
const main = async (folder: string, started: Running[]): Promise<{ results: Result[]; more: More }> => {
  const upstream = await startUpstream(folder)
  started.push(upstream)
  const gateway = await startGateway({ upstream: upstream.url, folder })
  started.push(gateway)
  const subjects: Subject[] = []
  const checked = []
  for (const peer of chosenPeers) {
    const running = await startPeer(peer, folder, upstream.url)
    started.push(running)
    checked.push({ running, isTranslating: peer.isTranslating })
    subjects.push({ name: peer.name, title: peer.title, running, heads: [BEARER] })
  }
  const asGateway = { running: gateway, heads: [BEARER] }
  subjects.push({ name: 'gateway', title: 'the gateway', ...asGateway })
  const { session, service } = await headsOf(gateway)
  const schemes: Subject[] = [
    { ...asGateway, name: 'gateway-session', title: 'the gateway, by session cookie', heads: session },
    { ...asGateway, name: 'gateway-service', title: 'the gateway, by service credential', heads: service }
  ]
  const results: Result[] = []
  for (const workload of chosenWorkloads) {
    await check(checked, gateway, workload)
    await upstream.delay(workload.upstreamMs)
    const others = workload.id === 'W1' ? schemes : workload.id === 'W4' ? [await subjectOf304(asGateway)] : []
    const all = [...subjects, ...others]
    const result = await resultOf(workload, all, upstream, folder)
    await upstream.delay(0)
    process.stdout.write(`\n${tableOf(result)}\n`)
    results.push(result)
  }
  const base = subjects.find(({ name }) => name === BASE)
  const isOpen = values['open-loop'] || isComplete
  const report = (line: string) => process.stderr.write(`${line}\n`)
  const more: More = {
    residentMb: residentMbOf(gateway.pid),
    ...(values.memory && { memory: await memoryOf(gateway, { heads: CALLERS, folder, report }) }),
    ...(isOpen && base && { open: await measureOpen(base, asGateway, upstream, folder) }),
    ...(isComplete && { starts: await startTimes(upstream.url, folder) })
  }
  process.stdout.write(`\n${moreOf(more)}\n`)
  return { results, more }
}

/** Many callers: one may have only a few requests at the same time. */
const CALLERS = Array.from({ length: 100 }, (_, index) => `Authorization: Bearer ${TOKEN.slice(0, -3)}${100 + index}`)

const measureOpen = async (
  base: Subject,
  gateway: Omit<Subject, 'name' | 'title'>,
  upstream: Upstream,
  folder: string
) => {
  await upstream.delay(OPEN_UPSTREAM_MS)
  const of = (name: string, running: Running): Subject => ({ name, title: name, running, heads: CALLERS })
  const effort = values.quick ? { seconds: 3, rounds: 1 } : { seconds: 20, rounds: 3 }
  const result = await openLoop(of(BASE, base.running), of('gateway', gateway.running), { ...effort, folder })
  await upstream.delay(0)
  return result
}

/** The caller has the reply already: 304. */
const subjectOf304 = async (gateway: Omit<Subject, 'name' | 'title'>): Promise<Subject> => {
  const reply = await fetch(`${gateway.running.url}/plans`, { headers: { authorization: BEARER.split(': ')[1] ?? '' } })
  await reply.arrayBuffer()
  const heads = [`${BEARER}\r\nIf-None-Match: ${reply.headers.get('etag')}`]
  return { ...gateway, name: 'gateway-304', title: 'the gateway, 304 by If-None-Match', heads }
}

const resultOf = async (
  workload: Workload,
  subjects: readonly Subject[],
  upstream: Running,
  folder: string
): Promise<Result> => {
  const samples = await measure(subjects, workload, {
    effort: values.quick ? QUICK : FULL,
    upstream,
    folder,
    report: ({ name }, { cpuUs }) => process.stderr.write(`${workload.id} ${name} ${cpuUs.toFixed(1)} µs\n`)
  })
  const summaries = subjects.map(({ name, title }) => ({ name, title, summary: summaryOf(samples.get(name) ?? []) }))
  const base = summaries.find(({ name }) => name === BASE)?.summary.cpuUs ?? Number.NaN
  return { workload, rows: summaries.map(each => ({ ...each, ratio: each.summary.cpuUs / base })) }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const folder = mkdtempSync(join(tmpdir(), 'hks-bench-'))
const started: Running[] = []
try {
  await install()
  const { results, more } = await main(folder, started)
  if (isComplete) {
    const machine = `two cores of ${cpus()[0]?.model.trim()}, Node ${process.versions.node}`
    const page = pageOf(results, more, { on: new Date().toISOString().slice(0, 10), machine })
    writeFileSync('docs/reference/performance.md', page)
    writeFileSync('docs/reference/performance.svg', chartOf(results))
  }
} finally {
  for (const running of started) await running.stop()
  rmSync(folder, { recursive: true })
}
