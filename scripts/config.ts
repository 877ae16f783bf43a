import { connectionFaults } from '../src/commands/diagnosis/inside.ts'
import { type Config, loadConfig, printableSettings, sourceOf } from '../src/config/config.ts'
import { loadEnvFile } from '../src/config/env-file.ts'
import { misspelledNames } from '../src/config/names.ts'
import { type SettingGroup, settingGroups, settings } from '../src/config/settings.ts'
import { CommandFault, readCommandLine, runCommand } from '../src/core/command-line.ts'

const { values } = readCommandLine({
  usage: `npm run config -- [--connect]

Prints the settings that the gateway would use with this environment, each with its source, or all invalid ones. Secrets
are masked. It warns about variables that are almost the name of a setting.

  --connect  also checks the service registry, and that the store, the order ledger and HOSTKEY are reachable and can do
             their work
`,
  options: { connect: { type: 'boolean', default: false } }
})

/** The settings of a group as lines of a file `.env`; the source is a comment. */
const linesOf = ({ title, settings }: SettingGroup, config: Config, fromFile: readonly string[]): string[] => [
  `# ${title}`,
  ...printableSettings(settings, config, process.env).map(
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
  const faults = await connectionFaults(config, process.env)
  if (faults.length > 0) throw new CommandFault(faults.join('\n'))
  console.log('The store, the order ledger and HOSTKEY are reachable.')
})
