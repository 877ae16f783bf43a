import { demoSession, demoToken } from '../../schemas/examples/tokens.ts'
import { latestNow } from '../core/clock.ts'
import type { Store } from '../store/store.ts'
import type { Sealer } from './seal.ts'
import { keepDemoSession } from './session-records.ts'
import { keepDemoToken } from './token-records.ts'

/** Customer number of the sandbox's demo customer. */
const DEMO_CUSTOMER = 1002

/** A token and a session that the store holds in front of the embedded sandbox, as examples to list and to end. Nothing opens them. */
export const keepDemoCredentials = async (store: Store, sealer: Sealer): Promise<void> => {
  const { name, scopes, buckets, madeBy } = demoToken
  await keepDemoToken(store, sealer, DEMO_CUSTOMER, { name, scopes, buckets, madeBy })
  const { network, userAgent } = demoSession
  await keepDemoSession(store, sealer, DEMO_CUSTOMER, {
    createdAt: latestNow(),
    lastUsedAt: latestNow(),
    network,
    userAgent
  })
}
