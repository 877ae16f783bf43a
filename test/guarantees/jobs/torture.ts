import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import type { Job, JobProgress } from '../../../schemas/jobs.ts'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { type GatewayProcess, gatewayProcess } from '../../support/harness/processes.ts'
import type { RedisServer } from '../../support/harness/redis.ts'

export interface JobTorture {
  files: number
  kills: number
  /** Two replicas on Redis; undefined: one gateway on SQLite. */
  redis?: RedisServer
  leaseMs: number
  report?: (line: string) => void
}

/** What went wrong. */
export interface JobDamage {
  files: number
  kills: number
  resets: number
  /** Files outside the selection that are gone. */
  outside: number
  /** Files of the selection that are left. */
  left: number
  /** Verdicts that are not true, missing or given twice. */
  wrong: number
  /** Events that a reader who comes back has missed, or got twice, and counts that went back. */
  gaps: number
  state: string
  seconds: number
}

const BUCKET = 'empty-bucket'
const PREFIX = 'in/ü%/'
const OUTSIDE = ['in', 'in/ü', 'IN/ü%/1', 'x/in/ü%/1', 'zz']
/** Time of a deletion until the last kill. With replicas the job goes on while one is started again. */
const LATENCY_MS = { one: 10, replicas: 100 }
/** One connection in so many is reset before HOSTKEY acts, and one after. */
const RESET_EVERY = 40
const PATIENCE_MS = 600_000

/** Deletes a folder while gateways are killed and HOSTKEY closes connections. */
export const jobTorture = async ({ files, kills, redis, leaseMs, report = () => undefined }: JobTorture) => {
  const startedAt = performance.now()
  const { control, demo, url, close } = await startSandbox({ seed: randomUUID() })
  const paths = Array.from({ length: files }, (_, n) => `${PREFIX}${n % 7}/${n}`)
  for (const path of [...paths, ...OUTSIDE]) control.putFile(BUCKET, path)
  control.fault({ kind: 'latency', action: 'delete_file', ms: redis ? LATENCY_MS.replicas : LATENCY_MS.one })
  let resets = 0
  const dataDir = mkdtempSync(join(tmpdir(), 'hks3-jobs-'))
  const gateways = await restartedGateways(
    {
      UPSTREAM_URL: url,
      DATA_DIR: dataDir,
      AUDIT_LOG: join(dataDir, 'audit.log'),
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      SESSION_SECRET: 'x'.repeat(40),
      RATE_LIMIT_MAX: '1000000',
      ORDER_LEASE_MS: String(leaseMs),
      ...(redis && { REDIS_URL: redis.url })
    },
    redis ? 2 : 1
  )
  const headers = { authorization: `Bearer ${demo.token}` }
  /** Sends it until a gateway answers. */
  const send = async (method: 'GET' | 'POST', path: string, body?: object) => {
    for (;;) {
      const [at] = gateways.urls().sort(() => Math.random() - 0.5)
      try {
        const reply = await request(`${at}${path}`, {
          method,
          headers: { ...headers, ...(body && { 'content-type': 'application/json', 'idempotency-key': KEY }) },
          ...(body && { body: JSON.stringify(body) })
        })
        const text = await reply.body.text()
        if (reply.statusCode < 300) return text
        if (reply.statusCode < 500) throw new TypeError(text)
      } catch (error) {
        if (error instanceof TypeError && error.message.startsWith('{')) throw error
      }
      await pause(100)
    }
  }
  const ids: number[] = []
  let gaps = 0
  /** Reads the events to their end, and comes back with the id of the last one when the connection breaks. */
  const watch = async (jobId: string) => {
    let deleted = 0
    for (;;) {
      const [at] = gateways.urls()
      try {
        const reply = await request(`${at}/jobs/${jobId}/events`, {
          headers: { ...headers, 'last-event-id': String(ids.at(-1) ?? 0) }
        })
        let text = ''
        for await (const chunk of reply.body) {
          text += chunk
          const events = text.split('\n\n')
          text = events.pop() ?? ''
          for (const event of events) {
            const [, id, name, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(event) ?? []
            if (data === undefined) continue
            const progress: JobProgress = JSON.parse(data)
            if (Number(id) !== (ids.at(-1) ?? 0) + 1 || progress.counts.deleted < deleted) gaps += 1
            ids.push(Number(id))
            deleted = progress.counts.deleted
            if (name === 'end') return
          }
        }
      } catch {
        // The gateway was killed.
      }
      await pause(50)
    }
  }

  const KEY = randomUUID()
  const created: Job = JSON.parse(
    await send('POST', `/accounts/s3_user_1/buckets/${BUCKET}/file-deletions`, { prefix: PREFIX, confirm: BUCKET })
  )
  const watching = watch(created.jobId)
  const sent = () => control.counters()['delete_file'] ?? 0
  let nextReset = RESET_EVERY
  const resetting = setInterval(() => {
    if (sent() < nextReset) return
    nextReset = sent() + RESET_EVERY
    control.fault({ kind: 'reset-before', action: 'delete_file', count: 1 })
    control.fault({ kind: 'reset-after', action: 'delete_file', count: 1 })
    resets += 2
  }, 5)
  const isDone = watching.then(() => true)
  let isOver = false
  void isDone.then(() => {
    isOver = true
  })
  // A kill after some more deletions, so that each hits a job at work.
  const step = Math.max(1, Math.floor(files / (kills + 2)))
  while (gateways.kills < kills && !isOver && performance.now() - startedAt < PATIENCE_MS) {
    const after = sent() + 1 + Math.floor(Math.random() * step)
    while (sent() < after && !isOver) await pause(5)
    if (!isOver) await gateways.restartOne()
    report(`${gateways.kills} kills, ${sent()} deletions sent`)
  }
  control.clearFaults()
  await Promise.race([watching, pause(PATIENCE_MS, undefined, { ref: false })])
  clearInterval(resetting)

  const job: Job = JSON.parse(await send('GET', `/jobs/${created.jobId}`))
  const lines = (await send('GET', `/jobs/${created.jobId}/result-stream`)).trimEnd().split('\n')
  const outcomes = lines.flatMap(line => JSON.parse(line).result ?? [])
  const verdicts = new Map<string, string>(outcomes.map(({ path, outcome }) => [path, outcome]))
  const stored = new Set(
    control
      .state()
      .buckets.find(({ name }) => name === BUCKET)
      ?.files.map(([path]) => path)
  )
  await gateways.close()
  await close()
  rmSync(dataDir, { recursive: true, force: true })
  // Every file was there at the start: the job, and nobody else, has deleted it.
  const isTrue = (path: string) => verdicts.get(path) === (stored.has(path) ? 'failed' : 'deleted')
  for (const outcome of outcomes) if (outcome.outcome !== 'deleted') report(JSON.stringify(outcome))
  const damage: JobDamage = {
    files,
    kills: gateways.kills,
    resets,
    outside: OUTSIDE.filter(path => !stored.has(path)).length,
    left: paths.filter(path => stored.has(path)).length,
    wrong:
      paths.filter(path => !isTrue(path)).length +
      (outcomes.length - verdicts.size) +
      Math.abs(job.counts.deleted - verdicts.size),
    gaps,
    state: job.state,
    seconds: Math.round((performance.now() - startedAt) / 1000)
  }
  return damage
}

/** Gateways that are killed and started again: no other one waits to take over. */
const restartedGateways = async (env: Record<string, string>, count: number) => {
  const ends: (() => Promise<void>)[] = []
  const start = () => gatewayProcess({ after: end => ends.push(end) }, env)
  const running: GatewayProcess[] = await Promise.all(Array.from({ length: count }, start))
  let kills = 0
  return {
    urls: () => running.map(({ url }) => url),
    /** Kills one, and waits until it runs again. */
    async restartOne() {
      const index = Math.floor(Math.random() * running.length)
      kills += Number(running[index]?.child.kill('SIGKILL'))
      running[index] = await start()
    },
    get kills() {
      return kills
    },
    close: async () => void (await Promise.all(ends.map(end => end())))
  }
}
