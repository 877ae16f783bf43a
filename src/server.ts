import closeWithGrace from 'close-with-grace'
import { banner } from './banner.ts'
import { ConfigError, loadConfig } from './config.ts'
import { startGateway } from './gateway.ts'
import { createLog } from './log.ts'
import { startSandbox } from './sandbox/index.ts'
import { createLiveRegistry } from './services/live.ts'
import { RegistryError } from './services/registry.ts'

/** How long requests in flight may take to end, beyond the drain delay: the longest call, and a little. */
const IN_FLIGHT_MS = 65_000

/** The process: settings, the sandbox where no upstream is named, the gateway, and its end. */
const main = async () => {
  const config = loadConfig(process.env)
  const log = createLog(config.logLevel)
  const sandbox = config.upstreamUrl ? undefined : await startSandbox()
  const upstreamUrl = config.upstreamUrl ?? new URL(sandbox?.url ?? '')
  const registry = createLiveRegistry(config.servicesFile, process.env)
  const gateway = await startGateway({ config, upstreamUrl, registry, log, isForgetful: sandbox !== undefined })

  process.on('SIGHUP', () => {
    const faults = registry.reload()
    if (faults.length > 0) log.error({ faults }, 'the registry of services is at fault: the old one stays')
    else log.info('the registry of services was read again')
  })

  closeWithGrace(
    { delay: config.drainDelayMs + IN_FLIGHT_MS, logger: false, skip: ['SIGHUP'] },
    async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'uncaught error')
      else log.info({ signal }, 'draining')
      await gateway.drain()
      await sandbox?.close()
      log.info('stopped')
    }
  )

  process.stdout.write(
    banner({ url: gateway.url, managementUrl: gateway.managementUrl, upstreamUrl, demo: sandbox?.demo })
  )
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
