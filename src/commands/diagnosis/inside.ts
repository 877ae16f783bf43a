import { loadRegistry, RegistryError } from '../../auth/services/registry-file.ts'
import type { Config } from '../../config/config.ts'
import { connectionOf, redisOf } from '../../connections.ts'
import { isProblem } from '../../core/problem.ts'
import { explainStart } from '../../start-faults.ts'
import { createStores } from '../../store/index.ts'
import { tokenInfo } from '../../upstream/actions/sessions.ts'
import { anonymousContext } from '../../upstream/auth.ts'
import { createUpstream } from '../../upstream/client.ts'
import { transportCauseOf } from '../../upstream/protocol/failure-stage.ts'
import { UNANSWERED } from '../../upstream/protocol/failures.ts'

/** No token of HOSTKEY: it answers that it does not know it. */
const NO_TOKEN = '0'.repeat(32)

/** 5 s: more than machines with a time service differ. */
const MAX_SKEW_MS = 5000

/** What keeps the gateway from its services, its store, its order ledger and HOSTKEY. @returns a text for each fault */
export const connectionFaults = async (config: Config, env: NodeJS.ProcessEnv): Promise<string[]> => [
  ...registryFaults(config, env),
  ...(await storeFaults(config)),
  ...(await upstreamFaults(config))
]

const registryFaults = ({ servicesFile }: Config, env: NodeJS.ProcessEnv): string[] => {
  try {
    if (servicesFile) loadRegistry(servicesFile, env)
    return []
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    return [error.message]
  }
}

const storeFaults = async (config: Config): Promise<string[]> => {
  const opened = await createStores({
    kind: config.sessionStore,
    dataDir: config.dataDir,
    redis: redisOf(config)
  }).catch((error: unknown) => explainStart(error))
  if (typeof opened === 'string') return [opened]
  const { store, durable, jobs, jobQueue } = opened
  try {
    const ofStore = await store.check()
    const ofLedger = await durable.check()
    const skewMs = ofStore ? 0 : Math.abs((await store.now()) - Date.now())
    return [
      ...(ofStore ? [`store: ${ofStore.detail}`] : []),
      ...(skewMs > MAX_SKEW_MS
        ? [
            `clock: the store's differs from this machine's by ${Math.round(skewMs / 1000)} s: run a time service on both.`
          ]
        : []),
      ...(ofLedger && ofLedger.detail !== ofStore?.detail ? [`orders: ${ofLedger.detail}`] : [])
    ]
  } finally {
    await Promise.all([jobs.close(), jobQueue.close(), store.close(), durable.close()])
  }
}

/** Asks HOSTKEY about a token that does not exist, through the proxy and with the certificates of the settings. */
const upstreamFaults = async (config: Config): Promise<string[]> => {
  const { upstreamUrl, upstreamTimeoutMs } = config
  if (!upstreamUrl) return []
  const upstream = createUpstream({
    url: upstreamUrl,
    connection: connectionOf(config),
    timeoutMs: upstreamTimeoutMs,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  try {
    await upstream.call(tokenInfo, { token: NO_TOKEN }, anonymousContext({ share: 'config' }))
  } catch (error) {
    if (!isProblem(error)) throw error
    if (isProblem(error, 'upstream-unavailable', ...UNANSWERED)) {
      const cause = transportCauseOf(error)?.code
      return [
        `HOSTKEY: ${upstreamUrl.host} gives no usable answer (${[error.problem, cause].filter(Boolean).join(', ')}).`
      ]
    }
  } finally {
    await upstream.close()
  }
  return []
}
