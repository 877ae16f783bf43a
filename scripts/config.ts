import { type Config, loadConfig, printableSettings, sourceOf } from '../src/config/config.ts'
import { loadEnvFile } from '../src/config/env-file.ts'
import { misspelledNames } from '../src/config/names.ts'
import { type SettingGroup, settingGroups, settings } from '../src/config/settings.ts'
import { CommandFault, readCommandLine, runCommand } from '../src/core/command-line.ts'
import { isProblem } from '../src/core/problem.ts'
import { connectionOf, redisOf } from '../src/gateway.ts'
import { explainStart } from '../src/start-faults.ts'
import { createStores } from '../src/store/index.ts'
import { tokenInfo } from '../src/upstream/actions/sessions.ts'
import { anonymousContext } from '../src/upstream/auth.ts'
import { createUpstream } from '../src/upstream/client.ts'
import { UNANSWERED } from '../src/upstream/protocol/failures.ts'

/** No token of HOSTKEY: it answers that it does not know it. */
const NO_TOKEN = '0'.repeat(32)

/** What keeps the gateway from its store, its order ledger and HOSTKEY. @returns a sentence for each fault */
const connectionFaults = async (config: Config): Promise<string[]> => {
  const opened = await createStores({
    kind: config.sessionStore,
    dataDir: config.dataDir,
    redis: redisOf(config)
  }).catch((error: unknown) => explainStart(error))
  if (typeof opened === 'string') return [opened, ...(await upstreamFaults(config))]
  const { store, durable } = opened
  try {
    const ofStore = await store.check()
    const ofLedger = await durable.check()
    return [
      ...(ofStore ? [`store: ${ofStore.detail}`] : []),
      ...(ofLedger && ofLedger.detail !== ofStore?.detail ? [`orders: ${ofLedger.detail}`] : []),
      ...(await upstreamFaults(config))
    ]
  } finally {
    await Promise.all([store.close(), durable.close()])
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
      return [`HOSTKEY: ${upstreamUrl.host} gives no usable answer (${error.problem}${codeOf(error.options.cause)}).`]
    }
  } finally {
    await upstream.close()
  }
  return []
}

const codeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return ''
  return 'code' in cause ? `, ${cause.code}` : codeOf(cause.cause)
}

const { values } = readCommandLine({
  usage: `npm run config -- [--connect]

Prints the settings that the gateway would use with this environment, each with its source, or all invalid ones. Secrets
are masked. It warns about variables that are almost the name of a setting.

  --connect  also checks that the store, the order ledger and HOSTKEY are reachable and can do their work
`,
  options: { connect: { type: 'boolean', default: false } }
})

/** The settings of a group as lines of a file `.env`; the source is a comment. */
const linesOf = ({ title, settings }: SettingGroup, config: Config, fromFile: readonly string[]): string[] => [
  `# ${title}`,
  ...printableSettings(settings, config).map(
    ({ name, value, setting }) => `${name}=${value}  # ${sourceOf(setting, process.env, fromFile)}`
  ),
  ''
]

await runCommand(async () => {
  const fromFile = loadEnvFile('.env', process.env)
  const config = loadConfig(process.env)
  console.log(settingGroups.flatMap(group => linesOf(group, config, fromFile)).join('\n'))
  for (const warning of misspelledNames(Object.values(settings), process.env)) console.error(`warning: ${warning}`)
  if (!values.connect) return
  const faults = await connectionFaults(config)
  if (faults.length > 0) throw new CommandFault(faults.join('\n'))
  console.log('The store, the order ledger and HOSTKEY are reachable.')
})
