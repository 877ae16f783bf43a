import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { redisOf } from '../connections.ts'
import { CommandFault } from '../core/command-line.ts'
import { ledgerFile } from '../domain/orders/ledger/backup.ts'
import { createLedger, type Ledger } from '../domain/orders/ledger/ledger.ts'
import { createStores } from '../store/index.ts'

/** Refuses the embedded sandbox: in front of it orders are in memory. @throws CommandFault */
export const refuseEphemeral = ({ upstreamUrl }: Config): void => {
  if (upstreamUrl) return
  throw new CommandFault('UPSTREAM_URL is not set: in front of the embedded sandbox there is no order ledger.')
}

/** Uses the ledger of the gateway with these settings, also while the gateway runs. @throws CommandFault */
export const useLedger = async <T>(config: Config, work: (ledger: Ledger) => Promise<T>): Promise<T> => {
  refuseEphemeral(config)
  const { dataDir, sessionStore, orderLeaseMs: leaseMs } = config
  if (sessionStore !== 'redis' && !existsSync(ledgerFile(dataDir))) {
    throw new CommandFault(`There is no order ledger in ${dataDir}: check DATA_DIR.`)
  }
  // Sessions are not read: their store may be the memory of the gateway.
  const kind = sessionStore === 'redis' ? 'redis' : 'memory'
  const { store, durable, jobs, jobQueue } = await createStores({ kind, dataDir, redis: redisOf(config) })
  try {
    const fault = await durable.check()
    if (fault) throw new CommandFault(fault.detail)
    return await work(createLedger({ store: durable, leaseMs }))
  } finally {
    await Promise.all([jobs.close(), jobQueue.close(), store.close(), durable.close()])
  }
}
