import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { AggregatorRegistry } from 'prom-client'
import { banner } from './banner.ts'
import { type Config, warningsOf } from './config/config.ts'
import { listenOn } from './http/listener.ts'
import { buildManagement, type ReadinessFault } from './http/management.ts'
import type { Order, Report } from './worker.ts'

/** A worker that ended is replaced after 0.5 s, and after twice as long each time, up to 30 s. */
const MIN_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000
/** A worker that ran for so long has not failed at its start. */
const STABLE_MS = 60_000
/** A worker that takes longer to say that it is ready is not. */
const ASK_MS = 1000
/** More than the workers have, so that they say themselves what they abandon. */
const STOP_MARGIN_MS = 2000

/**
 * Runs `config.workers` workers on one port, with one management port for all. What they share is in SQLite or Redis.
 * A worker that ends is replaced; one that ends before the first has started ends the process, with its reason.
 */
export const supervise = async (config: Config, log: Logger): Promise<void> => {
  for (const warning of warningsOf(config)) log.warn(warning)
  const embedded = config.upstreamUrl ? undefined : await startEmbedded(config)
  const settings = { ...secretFor(config), ...embedded?.settings }
  cluster.setupPrimary({ execArgv: flagsFor(config.workers) })
  const workers = new Map<number, Worker>()
  let isStopping = false

  const fork = (slot: number): Worker => {
    const worker = cluster.fork({
      ...settings,
      WORKER: String(slot),
      WORKER_SANDBOX: embedded ? 'yes' : '',
      AUDIT_LOG: auditLogOf(config.auditLog, slot)
    })
    workers.set(slot, worker)
    // What is sent to a worker that is still starting is lost.
    worker.on('message', (report: Report) => {
      if (report.type === 'started' && isStopping) worker.send({ type: 'drain' } satisfies Order)
    })
    return worker
  }
  const replace = async (slot: number, first: Worker): Promise<void> => {
    let pauseMs = MIN_PAUSE_MS / 2
    for (let worker = first; ; worker = fork(slot)) {
      const startedAt = performance.now()
      const [code, signal] = await once(worker, 'exit')
      workers.delete(slot)
      if (isStopping) return
      pauseMs = performance.now() - startedAt > STABLE_MS ? MIN_PAUSE_MS : Math.min(pauseMs * 2, MAX_PAUSE_MS)
      log.error({ worker: slot, code, signal, pauseMs }, 'a worker has ended and is replaced')
      await pause(pauseMs)
      if (isStopping) return
    }
  }
  const findFaults = async (): Promise<ReadinessFault[]> => {
    if (isStopping) return [{ part: 'process', cause: 'draining', detail: 'The workers shut down.' }]
    const found = await Promise.all([...workers.values()].map(askFaults))
    // One worker that can serve is enough: connections go to those that listen.
    return found.find(faults => faults.length === 0) ?? found[0] ?? [NO_WORKER]
  }

  const aggregator = new AggregatorRegistry()
  const management = buildManagement({
    metrics: {
      registry: { contentType: aggregator.contentType, metrics: () => aggregator.clusterMetrics() },
      connectionDropped: () => undefined
    },
    findFaults
  })
  const managementUrl = await listenOn(management, { host: config.managementHost, port: config.managementPort })
  // One first: what is wrong with the settings or the port is said once.
  const first = fork(1)
  const url = await startOf(first)
  const running = [replace(1, first)]
  for (let slot = 2; slot <= config.workers; slot += 1) running.push(replace(slot, fork(slot)))

  process.on('SIGHUP', () => sendAll(workers, { type: 'reload' }))
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)
  const kill = (reason: string) => {
    log.fatal(reason)
    for (const worker of workers.values()) worker.process.kill('SIGKILL')
  }
  closeWithGrace(
    {
      delay: config.drainDelayMs + config.drainGraceMs + STOP_MARGIN_MS,
      logger: { error: (err: unknown) => log.fatal({ err }, 'draining failed') },
      skip: ['SIGHUP', 'SIGUSR2', 'uncaughtException', 'unhandledRejection'],
      onTimeout: () => kill('forced exit: the grace period is over'),
      onSecondSignal: () => kill('forced exit: second signal')
    },
    async ({ signal }) => {
      log.info({ signal, workers: workers.size }, 'draining')
      isStopping = true
      const codes = Promise.all([...workers.values()].map(async worker => (await once(worker, 'exit'))[0]))
      sendAll(workers, { type: 'drain' })
      const failed = (await codes).filter(code => code !== 0)
      await management.close()
      await embedded?.close()
      if (failed.length > 0) throw new Error('a worker has not drained')
      log.info('stopped')
      log.flush()
    }
  )
  if (config.environment === 'production') log.info({ url, managementUrl, workers: config.workers }, 'ready')
  else {
    const upstreamUrl = config.upstreamUrl ?? new URL(embedded?.settings.UPSTREAM_URL ?? '')
    process.stdout.write(banner({ url, managementUrl, upstreamUrl, demo: embedded?.demo }))
  }
  await Promise.all(running)
}

/** The sandbox, once for all workers, and a folder for the orders that end with it. */
const startEmbedded = async ({ storageEndpoints }: Config) => {
  const sandbox = await (await import('./sandbox/index.ts')).startSandbox()
  const storage = ['NL', 'DE'].map(at => `${at}=${sandbox.storageUrl}|${at.toLowerCase()}`).join(',')
  const hasStorage = storageEndpoints.length > 0
  const folder = mkdtempSync(join(tmpdir(), 'hostkey-s3-gateway-'))
  return {
    demo: sandbox.demo,
    settings: { UPSTREAM_URL: sandbox.url, DATA_DIR: folder, ...(!hasStorage && { STORAGE_ENDPOINTS: storage }) },
    async close() {
      await sandbox.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Each worker opens the sessions of the others, also where the secret is random. */
const secretFor = ({ sessionSecret }: Config): Record<string, string> => ({
  SESSION_SECRET: sessionSecret.map(secret => secret.reveal()).join(','),
  SESSION_SECRET_FILE: ''
})

/** Each worker writes a file of its own: `audit.log` becomes `audit-1.log`. */
const auditLogOf = (target: string, slot: number): string => {
  if (target === '-' || target.startsWith('/dev/')) return target
  const { dir, name, ext } = parse(target)
  return join(dir, `${name}-${slot}${ext}`)
}

/** Node's flags of this process; the heap that the container allows is divided. */
const flagsFor = (workers: number): string[] =>
  process.execArgv.map(flag =>
    flag.startsWith('--max-old-space-size=')
      ? `--max-old-space-size=${Math.floor(getHeapStatistics().heap_size_limit / 2 ** 20 / workers)}`
      : flag
  )

const sendAll = (workers: ReadonlyMap<number, Worker>, order: Order): void => {
  for (const worker of workers.values()) if (worker.isConnected()) worker.send(order)
}

/** @returns the address at which a worker listens. Ends the process when the worker ends before. */
const startOf = async (worker: Worker): Promise<string> => {
  // The worker has said why on standard error.
  const end = (code: number) => process.exit(code || 1)
  worker.once('exit', end)
  for (;;) {
    const [report] = (await once(worker, 'message')) as [Report]
    if (report.type !== 'started') continue
    worker.off('exit', end)
    return report.url
  }
}

let asked = 0

const NO_WORKER: ReadinessFault = { part: 'process', cause: 'no-worker', detail: 'No worker answers.' }

const askFaults = async (worker: Worker): Promise<ReadinessFault[]> => {
  if (!worker.isConnected()) return [NO_WORKER]
  asked += 1
  const id = asked
  const answered = new Promise<ReadinessFault[]>(resolve => {
    const end = (faults: ReadinessFault[]) => {
      worker.off('message', listen)
      resolve(faults)
    }
    const listen = (report: Report) => {
      if (report.type === 'faults' && report.id === id) end(report.faults)
    }
    worker.on('message', listen)
    setTimeout(end, ASK_MS, [NO_WORKER]).unref()
  })
  worker.send({ type: 'findFaults', id } satisfies Order)
  return await answered
}
