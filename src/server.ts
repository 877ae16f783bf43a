import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { createServiceRegistry } from './auth/services/registry.ts'
import { banner } from './banner.ts'
import { loadConfig } from './config/config.ts'
import { readCommandLine } from './core/command-line.ts'
import { startGateway } from './gateway.ts'
import { createLog } from './observability/log.ts'
import { explainStart } from './start-faults.ts'

/** The process: reads the settings, starts the sandbox when no upstream is set, starts the gateway, and shuts down. */
const main = async () => {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  exitOnUncaughtErrors(log)
  // A full disk behind standard output must not end the process.
  process.stdout.on('error', () => undefined)
  const sandbox = config.upstreamUrl ? undefined : await (await import('./sandbox/index.ts')).startSandbox()
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
      // Called when the function below fails; the other cases log by themselves.
      logger: { error: (err: unknown) => log.fatal({ err }, 'draining failed') },
      skip: ['SIGHUP', 'uncaughtException', 'unhandledRejection'],
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

  process.stdout.write(
    banner({ url: gateway.url, managementUrl: gateway.managementUrl, upstreamUrl, demo: sandbox?.demo })
  )
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
