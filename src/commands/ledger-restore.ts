import { loadConfig } from '../config/config.ts'
import { CommandFault, readCommandLine, runCommand } from '../core/command-line.ts'
import { restoreLedger } from '../domain/orders/ledger/backup.ts'
import { refuseEphemeral, useLedger } from './open-ledger.ts'

const { values } = readCommandLine({
  usage: `npm run ledger:restore -- --from FILE | --mark --backup-at TIME | --end-checks

Restores the order ledger. For 24 hours the gateway then looks for the account of each order that the ledger does not know,
before it sends the order. Uses the settings of the gateway.

  --from FILE       a backup, or another copy of the SQLite ledger; every gateway must be stopped
  --mark            the ledger was restored by other means, such as the append-only file of Redis or a snapshot of the disk
  --backup-at TIME  when the backup was created, such as 2026-11-29T20:00:00Z; required by --mark, else read from the file
  --end-checks      every order since the backup is accounted for: orders are sent without a check
`,
  options: {
    from: { type: 'string' },
    mark: { type: 'boolean', default: false },
    'backup-at': { type: 'string' },
    'end-checks': { type: 'boolean', default: false }
  }
})

const timeOf = (text: string): number => {
  const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (at <= Date.now()) return at
  throw new CommandFault('--backup-at is a time in the past with its zone, such as 2026-11-29T20:00:00Z.')
}

await runCommand(async () => {
  const config = loadConfig(process.env)
  refuseEphemeral(config)
  const { from, mark, 'backup-at': time, 'end-checks': isEnd } = values
  if ([from !== undefined, mark, isEnd].filter(Boolean).length !== 1 || (mark && time === undefined)) {
    throw new CommandFault(
      'Give one of --from FILE, --mark with --backup-at, and --end-checks. See: npm run ledger:restore -- --help'
    )
  }
  const backupAt = time === undefined ? undefined : timeOf(time)
  if (from !== undefined) {
    if (config.sessionStore === 'redis') {
      throw new CommandFault('The order ledger is in Redis: restore its append-only file, then use --mark.')
    }
    const restored = await restoreLedger(from, config.dataDir, backupAt)
    console.log(`The order ledger of ${new Date(restored.backupAt).toISOString()} is restored.`)
    if (restored.replaced !== undefined) console.log(`The replaced one is kept as ${restored.replaced}.`)
    return
  }
  await useLedger(config, ({ restorations }) =>
    backupAt === undefined ? restorations.end() : restorations.mark(backupAt)
  )
  console.log(isEnd ? 'Orders are sent without a check.' : 'Orders are checked against the accounts of HOSTKEY.')
})
