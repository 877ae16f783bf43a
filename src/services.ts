import { randomBytes } from 'node:crypto'
import { createSealer } from './auth/seal.ts'
import type { Config } from './config/config.ts'
import type { Links } from './core/links.ts'
import { Secret } from './core/secret.ts'
import type { Ledger } from './domain/orders/ledger/ledger.ts'
import { createOrders } from './domain/orders/orders.ts'
import { createPlans } from './domain/orders/plans.ts'
import { createAccounts } from './domain/storage/accounts.ts'
import { createBuckets } from './domain/storage/buckets.ts'
import { createDirectAccess } from './domain/storage/direct-access.ts'
import { createFiles } from './domain/storage/files.ts'
import { createRecentWrites } from './domain/storage/recent-writes.ts'
import { createSigningKeys } from './domain/storage/signing-keys.ts'
import type { Services } from './http/route.ts'
import type { Reports } from './observability/reports.ts'
import type { Store } from './store/index.ts'
import type { Upstream } from './upstream/client.ts'
import { classOf } from './upstream/resilience/call-classes.ts'

interface ServiceParts {
  upstream: Upstream
  store: Store
  ledger: Ledger
  links: Links
  verifyDelaysMs: readonly number[]
  reports: Pick<Reports, 'actionMissing'>
  config: Pick<Config, 'orderLateExecutionWindowMs' | 'upstreamTimeoutMs' | 'storageEndpoints' | 'writes'>
}

/** Makes the services that handlers call. */
export const createServices = (parts: ServiceParts): Omit<Services, 'jobs' | 'fileDeletions'> => {
  const { upstream, store, ledger, links, verifyDelaysMs, reports, config } = parts
  const recentWrites = createRecentWrites(store)
  const storage = { upstream, links, verifyDelaysMs, recentWrites, onActionMissing: reports.actionMissing }
  const lateExecutionWindowMs = config.orderLateExecutionWindowMs
  const provisionMs = config.upstreamTimeoutMs ?? classOf.provision.deadlineMs
  const orders = createOrders({ upstream, ledger, links, verifyDelaysMs, lateExecutionWindowMs, provisionMs })
  return {
    accounts: createAccounts({ ...storage, onDeleted: orders.forgetAccount, listOrderedBy: orders.listOrderedBy }),
    buckets: createBuckets(storage),
    files: createFiles(storage),
    directAccess: createDirectAccess({
      upstream,
      endpoints: config.storageEndpoints,
      // Of this process: nothing else opens what it keeps.
      signingKeys: createSigningKeys(createSealer([new Secret(randomBytes(32).toString('hex'))])),
      allowsUploads: config.writes !== 'off'
    }),
    orders,
    plans: createPlans(upstream)
  }
}
