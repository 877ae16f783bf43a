import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import { LIVE_SESSIONS, LIVE_TOKENS } from './auth/abouts.ts'
import { createAuthenticators } from './auth/authenticators/index.ts'
import { createServiceCallers } from './auth/authenticators/service.ts'
import { createAccountHash } from './auth/credential.ts'
import { keepDemoCredentials } from './auth/demo.ts'
import { createJobCredentials } from './auth/job-credentials.ts'
import { createSealer } from './auth/seal.ts'
import { createLogins } from './auth/services/logins.ts'
import type { ServiceRegistry } from './auth/services/registry.ts'
import { createSessionRecords } from './auth/session-records.ts'
import { createSessions } from './auth/sessions.ts'
import { createTokenRecords } from './auth/token-records.ts'
import { createTokens } from './auth/tokens.ts'
import { type Config, warningsOf } from './config/config.ts'
import { connectionOf, redisOf } from './connections.ts'
import { isLoopback } from './core/address.ts'
import { latestNow } from './core/clock.ts'
import { createLinks } from './core/links.ts'
import { keepDemoJobs } from './domain/jobs/demo.ts'
import { fileDeletion } from './domain/jobs/file-deletion.ts'
import { createFileDeletions } from './domain/jobs/file-deletions.ts'
import { createJobs } from './domain/jobs/jobs.ts'
import { demoEntry } from './domain/orders/ledger/demo.ts'
import { createLedger } from './domain/orders/ledger/ledger.ts'
import { createDrain, type Drain } from './http/drain.ts'
import { listenOn, listenOnSocket } from './http/listener.ts'
import { buildManagement, type ReadinessFault } from './http/management.ts'
import type { Switch } from './http/operation.ts'
import { closeListener } from './http/plugins/drain.ts'
import { MAX_PRESSURE } from './http/plugins/load-shedding.ts'
import { createPressure, type Pressure } from './http/pressure.ts'
import { createAudit, openAuditStream } from './observability/audit.ts'
import { createMetrics, type Metrics } from './observability/metrics.ts'
import { createReports } from './observability/reports.ts'
import { createServices } from './services.ts'
import { reportOnce } from './store/faults.ts'
import { createStores } from './store/index.ts'
import { statisticsOf } from './store/jobs.ts'
import { both, createTracerFor, tracedKind } from './tracer.ts'
import { createAuth } from './upstream/auth.ts'
import { createUpstream, type Upstream } from './upstream/client.ts'
import { withShutdownGuard } from './upstream/resilience/shutdown-guard.ts'

/** 1 s: longer than a logout at HOSTKEY takes; a token that is not revoked expires by itself. */
const BACKGROUND_MS = 1000

/** Verify a write at once, because most are listed by then, and twice more, because HOSTKEY's lists may lag (assumed). */
const VERIFY_DELAYS_MS = [0, 500, 1500]

const SWITCHES = ['orders', 'accountCreation', 'accountDeletion', 'keys', 'writes'] as const satisfies Switch[]

export interface GatewayOptions {
  /** Its `upstreamUrl` is not used: see `upstreamUrl` below. */
  config: Config
  upstreamUrl: URL
  registry: ServiceRegistry
  log: Logger
  /** Keeps orders in memory, with one example at start: for the embedded sandbox, which also ends with the process. */
  isEphemeral?: boolean
  /** Is the upstream an embedded sandbox? Then `/docs` can log in and reset it. Default: `isEphemeral`. */
  hasSandbox?: boolean | undefined
  /** Pauses before each verification of a write, milliseconds. */
  verifyDelaysMs?: readonly number[]
  /** A worker has no management listener: its supervisor has one for all. */
  isWorker?: boolean
  /** Load of the process; measured by default. */
  pressure?: Pressure
}

export interface Gateway {
  /** Base URL, mount point included. */
  url: string
  managementUrl: string
  /** Turns readiness off, then refuses new requests, waits for those in flight, and closes everything. */
  drain(): Promise<void>
  /** Opens the file of the audit log again, after it was renamed. */
  reopenAudit(): void
  /** What keeps this process from being ready. */
  findFaults: () => Promise<ReadinessFault[]>
  /** The metrics of this process. */
  registry: Metrics['registry']
  /** Requests and writes that an exit would lose. */
  inFlight: Drain['inFlight']
}

/** Makes every part of the gateway; nothing listens yet. */
export const assembleGateway = async ({
  config,
  upstreamUrl,
  registry,
  log,
  verifyDelaysMs = VERIFY_DELAYS_MS,
  isEphemeral,
  hasSandbox = isEphemeral,
  pressure = createPressure(MAX_PRESSURE)
}: GatewayOptions) => {
  const metrics = createMetrics({ defaults: true })
  const reports = createReports({ metrics, log })
  const tracer = await createTracerFor(config, log)
  const {
    store,
    durable,
    jobs: jobStore,
    jobQueue
  } = await createStores({
    kind: config.sessionStore,
    dataDir: config.dataDir,
    redis: redisOf(config),
    isEphemeral,
    leaseMs: config.orderLeaseMs,
    reports: {
      store: fault => reports.store('store', fault),
      ledger: fault => reports.store('ledger', fault),
      jobs: fault => reports.store('jobs', fault),
      observe: both(metrics.storeCommand, tracer?.store)
    }
  })
  const { bulkheads, reuse, ...client } = createUpstream({
    url: upstreamUrl,
    connection: connectionOf(config),
    timeoutMs: config.upstreamTimeoutMs,
    observe: both(reports.call, tracer?.attempt),
    onCircuitStateChange: reports.circuitState,
    onDrift: reports.drift,
    onRetry: metrics.retry,
    onWaited: tracer?.queue
  })
  metrics.watchSlots(bulkheads)
  metrics.watchReuse(reuse)
  metrics.watchServices(registry.all)
  const upstream: Upstream = { ...client, call: withShutdownGuard(client.call) }
  const auth = createAuth(upstream)
  const sealer = createSealer(config.sessionSecret)
  const auditStream = openAuditStream(config.auditLog, reports.audit)
  const audit = createAudit(auditStream, metrics.auditEvent)
  const records = createSessionRecords(store, sealer, latestNow, (reason, customerId) =>
    audit.record({ event: `session.${reason}`, outcome: 'ok', customerId })
  )
  const tokenRecords = createTokenRecords(store, sealer)
  const logins = createLogins(auth, store, sealer)
  const ledger = createLedger({ store: durable, leaseMs: config.orderLeaseMs })
  if (isEphemeral) {
    await ledger.keep(demoEntry())
    await keepDemoJobs(jobStore)
    // The sandbox works without its examples too.
    await keepDemoCredentials(store, sealer).catch(() => undefined)
  }
  const drain = createDrain()
  const mount = config.publicUrl.pathname.replace(/\/$/, '')
  const links = createLinks(mount)
  const findFaults = async (): Promise<ReadinessFault[]> => {
    const [ofStore, ofLedger] = await Promise.all([store.check(), durable.check()])
    return [
      ...(drain.hasBegun ? [{ part: 'process', cause: 'draining', detail: 'The replica shuts down.' }] : []),
      ...(ofStore ? [{ part: 'store', ...ofStore }] : []),
      ...(ofLedger ? [{ part: 'ledger', ...ofLedger }] : [])
    ]
  }
  const isReady = async () => !drain.hasBegun && (await findFaults()).length === 0
  const services = createServices({ upstream, store, ledger, links, verifyDelaysMs, reports, config })
  const deletion = tracedKind(fileDeletion(upstream, services.files), tracer)
  const jobs = createJobs({
    kinds: [deletion],
    links,
    jobs: jobStore,
    queue: jobQueue,
    credentials: createJobCredentials(sealer, tokenRecords, createServiceCallers(registry, logins)),
    listOrderedBy: services.orders.listOrderedBy,
    onVerdicts: metrics.jobItems,
    onNewer: reportOnce(fault => reports.store('jobs', fault)),
    onEnd: audit.record
  })
  const fileDeletions = createFileDeletions({ upstream, files: services.files, jobs, kind: deletion })
  metrics.watchCredentials({
    sessions: () => store.countMarked(LIVE_SESSIONS),
    tokens: () => store.countMarked(LIVE_TOKENS)
  })
  metrics.watchOrders(ledger.statistics)
  metrics.watchJobs(async () => statisticsOf(await jobStore.listOpen()))
  const app = await buildApp({
    services: { ...services, jobs, fileDeletions },
    links,
    store,
    observability: { log, metrics, audit },
    address: {
      publicUrl: config.publicUrl,
      mount,
      basePath: config.basePath,
      sandboxUrl: hasSandbox ? upstreamUrl : undefined
    },
    edge: {
      trustProxy: config.trustProxy,
      trustsSocket: config.socket !== undefined,
      allowedOrigins: config.allowedOrigins,
      keepAliveTimeoutMs: config.keepAliveTimeoutMs,
      maxConnectionsPerAddress: isLoopback(config.host) ? undefined : config.maxConnectionsPerAddress
    },
    rateLimit: {
      maxima: { all: config.rateLimitMax, delete: config.deleteRateLimitMax, login: config.loginRateLimitMax },
      windowMs: config.rateLimitWindowMs,
      replicasHint: config.replicasHint
    },
    authentication: {
      authenticators: createAuthenticators({ auth, records, tokens: tokenRecords, registry, logins }),
      accountHash: createAccountHash(config.sessionSecret),
      tokens: createTokens(tokenRecords),
      sessions: createSessions({
        auth,
        records,
        revocation: {
          onRevoked: token => audit.record({ event: 'token.revoked', outcome: 'ok', token: token.fingerprint() }),
          onFailed(token) {
            log.warn('could not revoke a token at HOSTKEY; it stays valid until it expires')
            audit.record({ event: 'token.revocation-failed', outcome: 'unknown', token: token.fingerprint() })
          }
        }
      })
    },
    tracer,
    switches: SWITCHES.filter(name => config[name] === 'off'),
    lifecycle: { drain, pressure, isReady }
  })
  const management = buildManagement({ metrics, findFaults })
  return {
    app,
    management,
    drain,
    findFaults,
    registry: metrics.registry,
    jobs,
    jobStore,
    reopenAudit: () => auditStream.reopen(),
    async close() {
      await Promise.all([jobQueue.close(), closeListener(app, drain, config.drainGraceMs)])
      pressure.stop()
      // In another log: it tells whether the last lines of the audit log are missing.
      if (audit.head()) log.info(audit.head(), 'end of the audit log')
      // All requests are answered; a logout or an aborted read may still run.
      await Promise.race([upstream.close(), pause(BACKGROUND_MS, undefined, { ref: false })])
      await Promise.all([tracer?.close(), management.close(), store.close(), durable.close(), jobStore.close()])
    }
  }
}

/** Starts the gateway in front of an upstream. @throws the listener's error when a port is taken */
export const startGateway = async (options: GatewayOptions): Promise<Gateway> => {
  const { config, log } = options
  const { app, management, drain, jobs, findFaults, registry, reopenAudit, close } = await assembleGateway(options)
  // The supervisor warns for all of its workers.
  if (!options.isWorker) for (const warning of warningsOf(config)) log.warn(warning)
  const listen = async () => ({
    address: await (config.socket === undefined
      ? listenOn(app, { host: config.host, port: config.port })
      : listenOnSocket(app, config.socket)),
    managementUrl: options.isWorker
      ? ''
      : await listenOn(management, { host: config.managementHost, port: config.managementPort })
  })
  const { address, managementUrl } = await listen().catch(async error => {
    await close()
    throw error
  })
  // A gateway that only reads leaves the jobs to others.
  if (config.writes !== 'off') jobs.start()
  return {
    url: `${address}${config.basePath}`,
    managementUrl,
    inFlight: () => drain.inFlight(),
    findFaults,
    registry,
    reopenAudit,
    async drain() {
      drain.begin()
      await pause(config.drainDelayMs)
      await close()
    }
  }
}
