import { loadConfig } from '../config/config.ts'
import { CommandFault, readCommandLine, runCommand } from '../core/command-line.ts'
import { backUpLedger, ledgerFile } from '../domain/orders/ledger/backup.ts'
import { refuseEphemeral } from './open-ledger.ts'

const { values } = readCommandLine({
  usage: `npm run ledger:backup -- --to FILE

Copies the order ledger in SQLite into a file, while the gateway runs. Uses the settings of the gateway.

  --to FILE  the backup; an earlier one of that name is replaced at once
`,
  options: { to: { type: 'string' } }
})

await runCommand(async () => {
  const config = loadConfig(process.env)
  refuseEphemeral(config)
  if (!values.to) throw new CommandFault('--to names the file of the backup. See: npm run ledger:backup -- --help')
  if (config.sessionStore === 'redis') {
    throw new CommandFault(
      'The order ledger is in Redis: back up its append-only file (docs/how-to/back-up-and-restore.md).'
    )
  }
  await backUpLedger(config.dataDir, values.to)
  console.log(`${values.to} is a backup of ${ledgerFile(config.dataDir)}.`)
})
