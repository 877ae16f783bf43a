import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Job } from '../../schemas/jobs.ts'
import { readCommandLine } from '../../src/core/command-line.ts'
import { startGateway, TOKEN } from '../gateway.ts'
import { type OpenFigures, runOpenLoad } from '../open-loop.ts'
import { describeProfile, nowUs } from '../owners.ts'
import { cpuMsOf, freePort, LOAD_CORE, type Running, residentMbOf, start } from '../process.ts'

const { values } = readCommandLine({
  usage: `npm run bench:jobs -- [--files 10000] [--delay 20] [--memory | --profile]

Empties a bucket with one job, and prints how long it takes beside the ideal: 8 deletions at once and nothing else; and
what becomes of the reads of another customer meanwhile.

  --files N   files in the bucket
  --delay MS  what each reply of HOSTKEY takes
  --profile   only this: whose functions the gateway's CPU time goes to
  --memory    only this: resident memory of the gateway while it deletes 1,000,000 files, HOSTKEY without delay
`,
  options: {
    files: { type: 'string' },
    delay: { type: 'string', default: '20' },
    profile: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false }
  }
})
const FILES = Number(values.files ?? (values.memory ? 1_000_000 : 10_000))
const DELAY_MS = values.memory ? 0 : Number(values.delay)
/** Deletions of a job at the same time. */
const AT_ONCE = 8
/** Goals: of the ideal time, and of the quiet p99. */
const MOST_TIME = 1.2
const MOST_P99 = 1.5
const READS = { path: '/accounts/account_{n}/buckets', distinct: 1000, rate: 100, connections: 32 }
const OTHER = `Authorization: Bearer ${TOKEN.slice(0, -6)}00abcd`

const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
const print = (line: string) => process.stdout.write(`${line}\n`)

/** Fills the bucket and empties it with a job. @returns how long it took */
const emptyBucket = async (
  gateway: Running,
  upstream: Running,
  observe: (job: Job) => void = () => undefined
): Promise<{ seconds: number; cpuUs: number }> => {
  await fetch(`${upstream.url}/files?count=${FILES}`, { method: 'POST' })
  const cpuBefore = cpuMsOf(gateway.pid)
  const reply = await fetch(`${gateway.url}/accounts/account_1/buckets/photos/file-deletions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ all: true, confirm: 'photos' })
  })
  if (reply.status !== 202) throw new Error(await reply.text())
  let job = (await reply.json()) as Job
  while (job.state === 'queued' || job.state === 'running') {
    await pause(500)
    job = (await (await fetch(`${gateway.url}${job.links.self}`, { headers })).json()) as Job
    observe(job)
  }
  const left = await (await fetch(`${upstream.url}/files`)).text()
  if (job.state !== 'succeeded' || job.counts.deleted !== FILES || left !== '0') {
    throw new Error(`${left} files are left: ${JSON.stringify(job)}`)
  }
  const seconds = (Date.parse(job.endedAt ?? '') - Date.parse(job.createdAt)) / 1000
  return { seconds, cpuUs: ((cpuMsOf(gateway.pid) - cpuBefore) * 1000) / FILES }
}

const readsOf = (gateway: Running, seconds: number) => runOpenLoad(gateway, { ...READS, heads: [OTHER], seconds })

const measureTime = async (gateway: Running, upstream: Running) => {
  const idealSeconds = ((FILES / AT_ONCE) * DELAY_MS) / 1000
  // Compiles the code of the reads.
  await readsOf(gateway, 3)
  const quiet = await readsOf(gateway, Math.min(15, idealSeconds))
  const alone = await emptyBucket(gateway, upstream)
  const job = emptyBucket(gateway, upstream)
  const busy = await readsOf(gateway, idealSeconds)
  const together = await job
  for (const [name, { seconds, cpuUs }] of Object.entries({ alone, 'beside reads': together })) {
    const share = (seconds / idealSeconds).toFixed(2)
    print(
      `${FILES} files, ${name}: ${seconds.toFixed(1)} s, ${share} × the ideal; ${cpuUs.toFixed(0)} µs of CPU a file`
    )
  }
  const figures = ({ p50Ms, p99Ms, failed }: OpenFigures) =>
    `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${failed} failed`
  print(`reads of another customer, quiet: ${figures(quiet)}`)
  print(
    `reads of another customer, beside the job: ${figures(busy)}; ${(busy.p99Ms / quiet.p99Ms).toFixed(2)} × the p99`
  )
  if (alone.seconds > MOST_TIME * idealSeconds || busy.p99Ms > MOST_P99 * quiet.p99Ms) process.exitCode = 1
}

const measureMemory = async (gateway: Running, upstream: Running) => {
  const steps: number[] = []
  const { seconds, cpuUs } = await emptyBucket(gateway, upstream, ({ counts }) => {
    const step = Math.floor((counts.deleted / FILES) * 10)
    if (step < steps.length) return
    steps.push(residentMbOf(gateway.pid))
    print(`${counts.deleted} of ${FILES} files: ${residentMbOf(gateway.pid).toFixed(0)} MB`)
  })
  print(`${FILES} files in ${seconds.toFixed(0)} s; ${cpuUs.toFixed(0)} µs of CPU a file`)
}

const profile = async (gateway: Running, upstream: Running) => {
  const from = nowUs()
  await emptyBucket(gateway, upstream)
  const to = nowUs()
  await gateway.stop()
  print(describeProfile(folder, from, to))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
const folder = mkdtempSync(join(tmpdir(), 'hks-bench-jobs-'))
const started: Running[] = []
try {
  const port = await freePort()
  const upstream = await start({
    name: 'upstream',
    command: [process.execPath, 'bench/jobs/upstream.ts', `--port=${port}`, `--delay=${DELAY_MS}`],
    env: {},
    core: LOAD_CORE,
    folder,
    port
  })
  started.push(upstream)
  const gateway = await startGateway({
    upstream: upstream.url,
    folder,
    nodeArgs: values.profile ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : []
  })
  started.push(gateway)
  await (values.memory ? measureMemory : values.profile ? profile : measureTime)(gateway, upstream)
} finally {
  for (const running of started) await running.stop()
  rmSync(folder, { recursive: true })
}
