import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { createServiceRegistry } from './auth/services/registry.ts'
import { RegistryError } from './auth/services/registry-file.ts'
import { banner } from './banner.ts'
import { ConfigError, loadConfig } from './config/config.ts'
import { startGateway } from './gateway.ts'
import { createLog } from './observability/log.ts'
import { startSandbox } from './sandbox/index.ts'

/** The process: settings, the sandbox where no upstream is named, the gateway, and its end. */
const main = async () => {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  endOnBugs(log)
  // The banner is no reason to end where standard output is a file on a full disk.
  process.stdout.on('error', () => undefined)
  const sandbox = config.upstreamUrl ? undefined : await startSandbox()
  const upstreamUrl = config.upstreamUrl ?? new URL(sandbox?.url ?? '')
  const registry = createServiceRegistry(config.servicesFile, process.env)
  const gateway = await startGateway({ config, upstreamUrl, registry, log, isEphemeral: sandbox !== undefined })

  process.on('SIGHUP', () => {
    const faults = registry.reload()
    if (faults.length > 0) log.error({ faults }, 'service registry reload failed; keeping the previous one')
    else log.info('service registry reloaded')
  })

  const abandon = (reason: string) => {
    const { requests, writes } = gateway.inFlight()
    log.fatal({ abandonedRequests: requests, abandonedWrites: writes }, reason)
    log.flush()
  }
  closeWithGrace(
    {
      delay: config.drainDelayMs + config.drainGraceMs,
      // Is told when the function below fails; the other ends have their own words.
      logger: { error: (err: unknown) => log.fatal({ err }, 'draining failed') },
      skip: ['SIGHUP', 'uncaughtException', 'unhandledRejection'],
      onTimeout: () => abandon('ended by force: the grace is over'),
      onSecondSignal: () => abandon('ended by force: a second signal')
    },
    async ({ signal }) => {
      log.info({ signal }, 'draining')
      await gateway.drain()
      await sandbox?.close()
      log.info('stopped')
      log.flush()
    }
  )

  process.stdout.write(
    banner({ url: gateway.url, managementUrl: gateway.managementUrl, upstreamUrl, demo: sandbox?.demo })
  )
}

/** Nobody knows in what state an error that nobody has caught leaves the process: it does not go on, not even to drain. */
const endOnBugs = (log: Logger): void => {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (err: unknown) => {
      log.fatal({ err }, event)
      log.flush()
      process.exit(1)
    })
  }
}

/** A start that cannot succeed says why in plain words. */
const explain = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof RegistryError) return error.message
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}\nAnother program listens there: set PORT or MANAGEMENT_PORT to a free port.`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}
