import type { Config } from '../../config/config.ts'
import { type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 2000

const METRIC = 'gateway_idle_proxy_connections_closed_total{'

/** Which side closes idle connections, as the gateway has counted since its start. Nothing where its metrics are elsewhere. */
export const examineKeepAlive = async ({ managementHost, managementPort }: Config): Promise<Finding[]> => {
  const host = managementHost.includes(':') ? `[${managementHost}]` : managementHost
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const text = await fetch(`http://${host}:${managementPort}/metrics`, { signal }).then(
    reply => reply.text(),
    () => ''
  )
  const count = text
    .split('\n')
    .find(line => line.startsWith(METRIC))
    ?.split(' ')
    .at(-1)
  if (count === undefined) return []
  return [
    Number(count) === 0
      ? finding('ok', 'idle connections', 'are closed by the proxy, not by the gateway.')
      : finding(
          'warning',
          'idle connections',
          `The gateway closed ${count} of the proxy, which loses a request that crosses the end: the proxy must close them first. Raise KEEP_ALIVE_TIMEOUT_MS, or lower the time of the proxy (nginx: keepalive_timeout of the upstream).`
        )
  ]
}
