import { loadEnvFile } from '../src/config/env-file.ts'

/** Imported before a program (`node --import`): adds the lines of the file `.env` to its environment. */
try {
  loadEnvFile('.env', process.env)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}.\n`)
  process.exit(1)
}
