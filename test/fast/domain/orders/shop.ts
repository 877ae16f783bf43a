import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import type { RequestContext } from '../../../../src/core/context.ts'
import { createLinks } from '../../../../src/core/links.ts'
import { Problem } from '../../../../src/core/problem.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createLedger, type Ledger } from '../../../../src/domain/orders/ledger/ledger.ts'
import { type OrderKey, orderKeyOf } from '../../../../src/domain/orders/order-key.ts'
import { createPlacement } from '../../../../src/domain/orders/placement.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { createDurableSqlite } from '../../../../src/store/durable.ts'
import { createAccount, createOrder } from '../../../../src/upstream/actions/accounts.ts'
import { createUpstream } from '../../../../src/upstream/client.ts'
import { temporaryFolder } from '../../../support/harness/replicas.ts'

/** After this time a missing account is assumed never to appear. */
export const LATE_EXECUTION_WINDOW_MS = 3_600_000

/** An entry that has not changed for this time may be taken over. */
export const LEASE_MS = 75_000

/** Orders at a sandbox, with a ledger in a file and a clock that the test advances. */
export const shop = async (t: Test) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  const { control, demo } = sandbox
  const refillCredit = () => control.setCredit('demo', 1_000_000)
  refillCredit()
  const upstream = createUpstream({
    url: new URL(sandbox.url),
    timeoutMs: 2000,
    observe: () => undefined,
    onCircuitStateChange: () => undefined
  })
  const store = createDurableSqlite(temporaryFolder(t))
  t.after(async () => {
    await Promise.all([upstream.close(), store.close()])
    await sandbox.close()
  })
  let time = Date.now()
  const ledger = createLedger({ store: { ...store, now: async () => time }, leaseMs: LEASE_MS })
  const context: RequestContext = {
    caller: {
      authScheme: 'bearer',
      id: 'a caller',
      share: 'a caller',
      limitFactor: 1,
      accounts: undefined,
      token: async () => new Secret(demo.token),
      grants: async () => true,
      identity: async () => ({ customerId: 1 }),
      refreshToken: () => Promise.reject(new Problem('invalid-token', 'no other token', { outcome: 'not-applied' }))
    },
    signal: new AbortController().signal,
    upstream: { ms: 0, calls: 0 }
  }
  const actions = { order: createOrder, account: createAccount }

  /** An order whose request can be repeated; `through` is the ledger as this replica sees it. */
  const orderOf = async (bucketName: string, what: keyof typeof actions = 'order') => {
    const action = actions[what]
    const requested = { planId: what === 'order' ? 2 : 1, bucketName, location: 'NL' }
    const key: OrderKey = await orderKeyOf(action.name, randomUUID(), requested, context)
    return {
      intent: { ...key, requested },
      entry: () => ledger.peek(key),
      place: (through: Ledger = ledger, check = async () => requested) =>
        createPlacement({
          upstream,
          ledger: through,
          links: createLinks(''),
          verifyDelaysMs: [0, 20],
          lateExecutionWindowMs: LATE_EXECUTION_WINDOW_MS,
          provisionMs: 0
        })
          .place({ action, key, check }, context)
          .then(
            ({ entry }) => entry,
            error => error
          )
    }
  }
  return {
    control,
    ledger,
    orderOf,
    reset: () => {
      control.reset()
      refillCredit()
    },
    advance: (ms: number) => {
      time += ms
    },
    sent: () => control.counters()['create_order'] ?? 0
  }
}
