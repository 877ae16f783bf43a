import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { expiringSoon } from './auth/services/expiry.ts'
import { createServiceRegistry, type ServiceRegistry } from './auth/services/registry.ts'
import { banner } from './banner.ts'
import { type Config, loadConfig } from './config/config.ts'
import { misspelledNames } from './config/names.ts'
import { settings } from './config/settings.ts'
import { readCommandLine } from './core/command-line.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { createLog } from './observability/log.ts'
import type { Sandbox } from './sandbox/index.ts'
import { explainStart } from './start-faults.ts'

/** The process: reads the settings, starts the sandbox when no upstream is set, starts the gateway, and shuts down. */
const main = async () => {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  exitOnUncaughtErrors(log)
  // A full disk behind standard output must not end the process.
  process.stdout.on('error', () => undefined)
  // The modules of several processes are loaded only where there are several.
  const worker = process.env['WORKER'] === undefined ? undefined : await import('./worker.ts')
  worker?.leaveSignalsToSupervisor()
  if (!worker) warnOfMisspelledNames(log)
  if (config.workers > 1 && !worker) return await (await import('./supervisor.ts')).supervise(config, log)
  const sandbox = config.upstreamUrl ? undefined : await (await import('./sandbox/index.ts')).startSandbox()
  const upstreamUrl = config.upstreamUrl ?? new URL(sandbox?.url ?? '')
  const registry = createServiceRegistry(config.servicesFile, process.env)
  const gateway = await startGateway({
    config: withStorageOf(sandbox, config),
    upstreamUrl,
    registry,
    log,
    isEphemeral: sandbox !== undefined,
    // The supervisor starts one for all workers.
    hasSandbox: sandbox !== undefined || (worker !== undefined && process.env['WORKER_SANDBOX'] === 'yes'),
    isWorker: worker !== undefined
  })

  warnOfExpiry(registry, log)
  setInterval(warnOfExpiry, DAY_MS, registry, log).unref()

  // Where there is nothing to reload, SIGHUP is a closed terminal: it ends the process, as it does other programs.
  const canReload = config.servicesFile !== undefined || config.auditLog !== '-'
  const reload = () => reloadFiles(config, registry, gateway, log)
  if (canReload && !worker) process.on('SIGHUP', reload)
  // Node opens its inspector on SIGUSR1, and close-with-grace ends on SIGUSR2: here neither means anything.
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined)

  const skipped = worker?.SUPERVISED ?? (canReload ? (['SIGHUP'] as const) : [])
  const abandon = (reason: string) => {
    const { requests, writes } = gateway.inFlight()
    log.fatal({ abandonedRequests: requests, abandonedWrites: writes }, reason)
    log.flush()
  }
  const { close: drain } = closeWithGrace(
    {
      delay: config.drainDelayMs + config.drainGraceMs,
      // Called when the function below fails; the other cases log by themselves.
      logger: { error: (err: unknown) => log.fatal({ err }, 'draining failed') },
      skip: [...skipped, 'SIGUSR2', 'uncaughtException', 'unhandledRejection'],
      onTimeout: () => abandon('forced exit: the grace period is over'),
      onSecondSignal: () => abandon('forced exit: second signal')
    },
    async ({ signal }) => {
      log.info({ signal }, 'draining')
      await gateway.drain()
      await sandbox?.close()
      log.info('stopped')
      log.flush()
    }
  )

  if (worker) return worker.obeySupervisor({ ...gateway, reload, drain })
  // In production standard output is the log: each line is JSON.
  if (config.environment === 'production') log.info({ url: gateway.url, managementUrl: gateway.managementUrl }, 'ready')
  else process.stdout.write(banner({ ...gateway, upstreamUrl, demo: sandbox?.demo }))
}

/** After the start, which it would delay: nothing depends on it. */
const warnOfMisspelledNames = (log: Logger): void => {
  setImmediate(() => {
    for (const warning of misspelledNames(Object.values(settings), process.env)) log.warn(warning)
  })
}

/** The storage of the embedded sandbox, unless the operator has set another one. */
const withStorageOf = (sandbox: Sandbox | undefined, config: Config): Config => {
  if (!sandbox || config.storageEndpoints.length > 0) return config
  const at = (location: string) => ({
    location,
    storageType: undefined,
    url: sandbox.storageUrl,
    region: location.toLowerCase()
  })
  return { ...config, storageEndpoints: [at('NL'), at('DE')] }
}

/** Reads the service registry again, and opens the file of the audit log again after logrotate has renamed it. */
const reloadFiles = (config: Config, registry: ServiceRegistry, gateway: Gateway, log: Logger): void => {
  if (config.auditLog !== '-') {
    gateway.reopenAudit()
    log.info('audit log reopened')
  }
  if (config.servicesFile === undefined) return
  const faults = registry.reload()
  if (faults.length > 0) log.error({ faults }, 'service registry reload failed; keeping the previous one')
  else log.info('service registry reloaded')
  warnOfExpiry(registry, log)
}

const DAY_MS = 24 * 3_600_000

const warnOfExpiry = (registry: ServiceRegistry, log: Logger): void => {
  for (const { id, expiresAt } of expiringSoon(registry.all(), Date.now())) {
    const at = new Date(expiresAt).toISOString()
    log.warn({ service: id, expiresAt: at }, 'the credential of a service expires within 30 days, or has expired')
  }
}

/** After an uncaught error the state is undefined: exit without draining. */
const exitOnUncaughtErrors = (log: Logger): void => {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (err: unknown) => {
      log.fatal({ err }, event)
      log.flush()
      process.exit(1)
    })
  }
}

readCommandLine({
  usage: `npm start

Starts the gateway. Its settings are environment variables, or lines of a file .env: npm run config prints them.
`
})

try {
  await main()
} catch (error) {
  process.stderr.write(`${explainStart(error)}\n`)
  process.exit(1)
}
