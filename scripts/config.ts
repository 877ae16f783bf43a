import { loadConfig, printableSettings } from '../src/config/config.ts'
import { settings } from '../src/config/settings.ts'
import { readCommandLine, runCommand } from '../src/core/command-line.ts'

readCommandLine({
  usage: `npm run config

Prints the settings that the gateway would use with this environment, with secrets masked, or all invalid ones.
`
})

await runCommand(() => {
  for (const { name, value } of printableSettings(settings, loadConfig(process.env))) console.log(`${name}=${value}`)
})
