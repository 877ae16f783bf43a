import { ConfigError, loadConfig, printableSettings } from '../src/config/config.ts'
import { settings } from '../src/config/settings.ts'

/** Prints the settings that the gateway would use with this environment, or all invalid ones. */
try {
  for (const { name, value } of printableSettings(settings, loadConfig(process.env))) console.log(`${name}=${value}`)
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
