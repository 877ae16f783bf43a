import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { page } from './markdown.ts'

/** The commands of operators, by their programs. */
const PROGRAMS = {
  'npm run sandbox': 'src/sandbox/main.ts',
  'npm run config': 'scripts/config.ts',
  'npm run doctor': 'src/commands/doctor.ts',
  'npm run service:new': 'scripts/service-new.ts',
  'npm run orders': 'src/commands/orders.ts',
  'npm run ledger:backup': 'src/commands/ledger-backup.ts',
  'npm run ledger:restore': 'src/commands/ledger-restore.ts',
  'npm run conformance': 'conformance/main.ts'
}

/** The page of commands: their own `--help`. */
export const commandsPage = async (): Promise<string> => {
  const sections = Object.entries(PROGRAMS).map(async ([command, program]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--help'])
    return `## ${command}\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\``
  })
  return page(
    'Commands',
    '`--help` of each command',
    'The commands of operators. Each refuses unknown options, and reports a fault in one sentence. Commands that use the settings of the gateway read its environment variables and the file `.env`.',
    ...(await Promise.all(sections))
  )
}
