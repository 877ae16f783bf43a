import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Errand } from '../src/caller.ts'
import { createLedger, type Ledger } from '../src/ledger/ledger.ts'
import { createLedgerStore } from '../src/ledger/store.ts'
import { createOrdering, type OrderKey, orderKeyOf } from '../src/ordering.ts'
import { isProblem, Problem } from '../src/problem.ts'
import { startSandbox } from '../src/sandbox/index.ts'
import { Secret } from '../src/secret.ts'
import { StoreDown } from '../src/store/index.ts'
import { createAccount, createOrder } from '../src/upstream/actions/accounts.ts'
import { createUpstream } from '../src/upstream/client.ts'
import { eventually } from './support/eventually.ts'
import { temporaryFolder } from './support/replicas.ts'

const LEASE_MS = 75_000

/** Purchases at a sandbox, with a ledger in a file and a clock that is put forward. */
const shop = async (t: Test) => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  const { control, demo } = sandbox
  const rich = () => control.setCredit('demo', 1_000_000)
  rich()
  const upstream = createUpstream({
    url: new URL(sandbox.url),
    timeoutMs: 2000,
    observe: () => undefined,
    reportRest: () => undefined
  })
  const store = createLedgerStore({
    kind: 'memory',
    dataDir: temporaryFolder(t),
    redisUrl: undefined,
    report: () => undefined
  })
  t.after(async () => {
    await Promise.all([upstream.close(), store.close()])
    await sandbox.close()
  })
  let time = Date.now()
  const ledger = createLedger({ store: { ...store, now: async () => time }, leaseMs: LEASE_MS })
  const errand: Errand = {
    caller: {
      door: 'bearer',
      id: 'a caller',
      limitFactor: 1,
      accounts: undefined,
      token: async () => new Secret(demo.token),
      grants: async () => true,
      identity: async () => ({ customerId: 1 }),
      renewed: () => Promise.reject(new Problem('invalid-token', 'no other', { outcome: 'not-applied' }))
    },
    signal: new AbortController().signal,
    spent: { ms: 0, calls: 0 }
  }
  const actions = { order: createOrder, account: createAccount }

  /** A purchase that is sent again and again as it is; `through` is the ledger as this replica sees it. */
  const purchaseOf = async (bucketName: string, what: keyof typeof actions = 'order') => {
    const action = actions[what]
    const wanted = { planId: what === 'order' ? 2 : 1, bucketName, location: 'NL' }
    const key: OrderKey = await orderKeyOf(action.name, randomUUID(), wanted, errand)
    return {
      intent: { ...key, wanted },
      entry: () => ledger.peek(key),
      place: (through: Ledger = ledger) =>
        createOrdering({ ledger: through, settleWindowMs: 3_600_000, mount: '' })
          .place({ upstream, action, settleMs: [0, 20] }, key, async () => wanted, errand)
          .then(
            ({ entry }) => entry,
            error => error
          )
    }
  }
  return {
    control,
    ledger,
    purchaseOf,
    reset: () => {
      control.reset()
      rich()
    },
    advance: (ms: number) => {
      time += ms
    },
    sent: () => control.counters()['create_order'] ?? 0
  }
}

t.test('the entry says `sent` before anything is', async t => {
  const { control, purchaseOf, sent, ledger } = await shop(t)
  control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
  const { place, entry } = await purchaseOf('photos')
  const placed = place()
  t.ok(await eventually(() => sent() === 1))
  t.match(await entry(), { state: 'sent', sentAt: Number, before: Array })
  t.match(await placed, { state: 'done', made: { bucket: 'photos' } })

  t.test('and nothing is sent when that cannot be recorded', async t => {
    control.clearCalls()
    const { place } = await purchaseOf('music')
    t.ok((await place({ ...ledger, record: () => Promise.reject(new StoreDown('away')) })) instanceof StoreDown)
    t.equal(sent(), 0)
  })
})

t.test('an owner who is fenced off', async t => {
  const { control, purchaseOf, sent, ledger, advance } = await shop(t)
  /** Somebody else takes the entry over when it is about to be in this state. */
  const robbed = (state: string, intent: Parameters<Ledger['claim']>[0]): Ledger => ({
    ...ledger,
    async record(held, change) {
      if (change.state === state) {
        advance(LEASE_MS)
        t.match(await ledger.claim(intent), { kind: 'takeover' })
      }
      return ledger.record(held, change)
    }
  })

  t.test('before the POST sends nothing', async t => {
    const { place, intent, entry } = await purchaseOf('photos')
    t.ok(isProblem(await place(robbed('sent', intent)), 'idempotency-in-progress'))
    t.equal(sent(), 0)
    t.match(await entry(), { state: 'claimed' }, 'it is the other one’s')
  })

  t.test('after it says so, and the other one finds the account', async t => {
    control.clearCalls()
    const { place, intent, entry } = await purchaseOf('music')
    t.ok(isProblem(await place(robbed('done', intent)), 'idempotency-in-progress'))
    t.match(await entry(), { state: 'sent' })
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', made: { bucket: 'music' } })
    t.equal(sent(), 1)
  })
})

t.test('whoever takes an entry over', async t => {
  const { purchaseOf, sent, ledger, advance, control } = await shop(t)

  t.test('buys where nothing was sent', async t => {
    const { place, intent } = await purchaseOf('photos')
    await ledger.claim(intent)
    t.ok(isProblem(await place(), 'idempotency-in-progress'))
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', made: { bucket: 'photos' } })
    t.equal(sent(), 1)
  })

  t.test('only looks where something may have been, and once: whoever asks again has waited already', async t => {
    const { place, intent } = await purchaseOf('music')
    const claim = await ledger.claim(intent)
    if (claim.kind === 'new') await ledger.record(claim.held, { state: 'sent', sentAt: Date.now(), before: [] })
    advance(LEASE_MS)
    control.clearCalls()
    t.match(await place(), { state: 'unknown' })
    t.equal(sent(), 0)
    t.equal(control.counters()['get_users'], 2, 'by the bucket’s name, and by the plan')
  })
})

t.test('an account that another order has made is not taken for this one’s', async t => {
  t.test('though its bucket may be the wished one behind a prefix', async t => {
    const { control, purchaseOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await purchaseOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await purchaseOf('my-photos')).place(), { state: 'done' })
    t.match(await lost.place(), { state: 'unknown' })
  })

  t.test('though its bucket is the wished one: a free account is no order', async t => {
    const { control, purchaseOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await purchaseOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await purchaseOf('photos', 'account')).place(), { state: 'done', made: { bucket: 'photos' } })
    t.match(await lost.place(), { state: 'unknown' })
  })
})

t.test('an account under the name of an older order’s, which HOSTKEY has given away again, is this one’s', async t => {
  const { control, purchaseOf, reset, advance } = await shop(t)
  const older = await (await purchaseOf('photos')).place()
  t.match(older, { state: 'done', made: { s3uid: String } })
  reset()
  advance(1000)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  t.match(await (await purchaseOf('music')).place(), { state: 'done', made: { s3uid: older.made.s3uid } })
})

t.test('an order that was unknown and is found is done for whoever sends its key again', async t => {
  const { control, purchaseOf, sent } = await shop(t)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  // The look before the POST succeeds.
  control.fault({ kind: 'html-200', action: 'get_users', after: 1 })
  const { place, entry } = await purchaseOf('photos')
  t.match(await place(), { state: 'unknown', problem: { name: 'upstream-timeout' } })
  control.clearFaults()
  t.match(await place(), { state: 'done', made: { bucket: 'photos' } })
  t.match(await entry(), { state: 'done', problem: Object }, 'what went wrong is kept')
  t.match(await place(), { state: 'done', made: { bucket: 'photos' } })
  t.equal(sent(), 1)
})

t.test('an order whose account does not come in time has failed, and its key says so again', async t => {
  const { control, purchaseOf, sent, advance } = await shop(t)
  control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
  const { place, entry } = await purchaseOf('photos')
  t.match(await place(), { state: 'unknown' })
  advance(3_600_000)
  const told = await place()
  t.match(told, { problem: 'upstream-bad-response', options: { outcome: 'not-applied', isRecorded: true } })
  t.notOk(told.options.headers, 'found out just now')
  t.match(await entry(), { state: 'failed', problem: { outcome: 'not-applied' } })
  t.match(await place(), {
    problem: 'upstream-bad-response',
    options: { outcome: 'not-applied', headers: { 'idempotency-replayed': 'true' } }
  })
  t.equal(sent(), 1)
})

t.test('the same key may try again', async t => {
  for (const [what, kind, action, problem] of [
    ['when HOSTKEY is busy', 'throttled', 'create_order', 'upstream-throttled'],
    ['when the token has ended', 'auth-failure', 'create_order', 'invalid-token'],
    ['when the accounts before cannot be read', 'html-200', 'get_users', 'upstream-bad-response']
  ] as const) {
    t.test(what, async t => {
      const { control, purchaseOf, sent } = await shop(t)
      control.fault({ kind, action, count: 1 })
      const { place, entry } = await purchaseOf('photos')
      t.ok(isProblem(await place(), problem))
      t.equal(await entry(), undefined)
      const before = sent()
      t.match(await place(), { state: 'done' })
      t.equal(sent(), before + 1)
    })
  }
})

t.test('a refusal that is meant is kept', async t => {
  const { control, purchaseOf, sent } = await shop(t)
  control.fault({ kind: 'refusal', text: 'Permission denied', action: 'create_order', count: 1 })
  const { place, entry } = await purchaseOf('photos')
  t.ok(isProblem(await place(), 'forbidden'))
  t.match(await entry(), { state: 'failed', problem: { name: 'forbidden', outcome: 'not-applied' } })
  t.ok(isProblem(await place(), 'forbidden'))
  t.equal(sent(), 1)
})
