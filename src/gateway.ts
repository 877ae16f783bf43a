import type { Logger } from 'pino'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { buildManagement } from './management.ts'
import { createMetrics } from './metrics.ts'
import { createUpstream } from './upstream/client.ts'

export interface Gateway {
  /** Where it listens, mount point included. */
  url: string
  managementUrl: string
  /** Readiness off at once; then new requests are refused, those in flight end, and everything closes. */
  drain(): Promise<void>
}

/**
 * Starts the gateway in front of an upstream.
 * @param options.config whose `upstreamUrl` is not looked at
 * @throws the listener's error when a port is taken
 */
export const startGateway = async (options: { config: Config; upstreamUrl: URL; log: Logger; settleMs?: readonly number[] }): Promise<Gateway> => {
  const { config, upstreamUrl, log, settleMs } = options
  const metrics = createMetrics({ defaults: true })
  const upstream = createUpstream({
    url: upstreamUrl,
    timeoutMs: config.upstreamTimeoutMs,
    observe(observation) {
      metrics.upstreamCall(observation)
      if (observation.unknownText !== undefined) {
        log.warn({ action: observation.action, upstreamText: observation.unknownText }, 'HOSTKEY refused in unknown words')
      }
    }
  })
  let ready = true
  const isReady = () => ready
  const app = await buildApp({
    upstream,
    metrics,
    log,
    isReady,
    publicUrl: config.publicUrl,
    basePath: config.basePath,
    rateLimit: { max: config.rateLimitMax, windowMs: config.rateLimitWindowMs },
    trustProxy: config.trustProxy,
    allowedOrigins: config.allowedOrigins,
    ...(settleMs && { settleMs })
  })
  const management = buildManagement({ metrics, isReady })
  const address = await app.listen({ host: config.host, port: config.port })
  const managementUrl = await management.listen({ host: '127.0.0.1', port: config.managementPort })
  return {
    url: `${address}${config.basePath}`,
    managementUrl,
    async drain() {
      ready = false
      await new Promise(resolve => setTimeout(resolve, config.drainDelayMs))
      await app.close()
      await Promise.all([management.close(), upstream.close()])
    }
  }
}
