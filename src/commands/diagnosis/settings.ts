import type { Config } from '../../config/config.ts'
import { type Finding, finding } from './finding.ts'

/** What many proxies keep an idle connection for. */
const PROXY_KEEP_ALIVE_MS = 60_000

/**
 * Settings that must fit the proxy and the orchestrator.
 * @param url address of the gateway for callers
 */
export const examineSettings = (config: Config, url: URL | undefined): Finding[] => {
  const { drainDelayMs, drainGraceMs, keepAliveTimeoutMs, trustProxy, socket } = config
  const keepAliveSeconds = keepAliveTimeoutMs / 1000
  return [
    config.environment === 'production' && drainDelayMs === 0
      ? finding('warning', 'drain', 'DRAIN_DELAY_MS is 0: a stopping replica still gets requests, and refuses them.')
      : finding(
          'ok',
          'drain',
          `The orchestrator must wait longer than ${(drainDelayMs + drainGraceMs) / 1000} s for the end of a replica.`
        ),
    keepAliveTimeoutMs <= PROXY_KEEP_ALIVE_MS
      ? finding(
          'warning',
          'keep-alive',
          `KEEP_ALIVE_TIMEOUT_MS is ${keepAliveTimeoutMs}: nginx and most load balancers use an idle connection for 60 s, and lose requests that cross its end. Set it above the time of your proxy.`
        )
      : finding('ok', 'keep-alive', `The proxy must close idle connections before ${keepAliveSeconds} s.`),
    // The gateway itself has no TLS.
    ...(url?.protocol === 'https:' && trustProxy.length === 0 && socket === undefined
      ? [
          finding(
            'warning',
            'TRUST_PROXY',
            'is not set: all callers share the limits of the proxy’s address. Set it to the address of the proxy.'
          )
        ]
      : [])
  ]
}
