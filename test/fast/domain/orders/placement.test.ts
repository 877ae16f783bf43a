import t from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import type { Ledger } from '../../../../src/domain/orders/ledger/ledger.ts'
import { StoreUnavailable } from '../../../../src/store/index.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { LEASE_MS, shop } from './shop.ts'

t.test('the entry says `sent` before anything is', async t => {
  const { control, orderOf, sent, ledger } = await shop(t)
  control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
  const { place, entry } = await orderOf('photos')
  const placed = place()
  t.ok(await eventually(() => sent() === 1))
  t.match(await entry(), { state: 'sent', sentAt: Number, accountsBefore: Array })
  t.match(await placed, { state: 'done', created: { bucket: 'photos' } })

  t.test('and nothing is sent when that cannot be recorded', async t => {
    control.clearCalls()
    const { place } = await orderOf('music')
    t.ok(
      (await place({ ...ledger, record: () => Promise.reject(new StoreUnavailable('away')) })) instanceof
        StoreUnavailable
    )
    t.equal(sent(), 0)
  })
})

t.test('an owner who is fenced off', async t => {
  const { control, orderOf, sent, ledger, advance } = await shop(t)
  /** Somebody else takes the entry over when it is about to be in this state. */
  const robbed = (state: string, intent: Parameters<Ledger['claim']>[0]): Ledger => ({
    ...ledger,
    async record(claimed, change) {
      if (change.state === state) {
        advance(LEASE_MS)
        t.match(await ledger.claim(intent), { kind: 'takeover' })
      }
      return ledger.record(claimed, change)
    }
  })

  t.test('before the POST sends nothing', async t => {
    const { place, intent, entry } = await orderOf('photos')
    const fenced = await place(robbed('sent', intent))
    t.match(fenced, { problem: 'idempotency-in-progress', options: { outcome: 'not-applied' } })
    t.equal(sent(), 0)
    t.match(await entry(), { state: 'claimed' }, 'it is the other one’s')
  })

  t.test('after it says so, and the other one finds the account', async t => {
    control.clearCalls()
    const { place, intent, entry } = await orderOf('music')
    const fenced = await place(robbed('done', intent))
    t.match(fenced, { problem: 'idempotency-in-progress', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent' })
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { bucket: 'music' } })
    t.equal(sent(), 1)
  })
})

t.test('an account that another order has made is not taken for this one’s', async t => {
  t.test('though its bucket may be the wished one behind a prefix', async t => {
    const { control, orderOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await orderOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await orderOf('my-photos')).place(), { state: 'done' })
    t.match(await lost.place(), { state: 'unknown' })
  })

  t.test('though its bucket is the wished one: a free account is no order', async t => {
    const { control, orderOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await orderOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await orderOf('photos', 'account')).place(), { state: 'done', created: { bucket: 'photos' } })
    t.match(await lost.place(), { state: 'unknown' })
  })
})

t.test('an account under the name of an older order’s, which HOSTKEY has given away again, is this one’s', async t => {
  const { control, orderOf, reset, advance } = await shop(t)
  const older = await (await orderOf('photos')).place()
  t.match(older, { state: 'done', created: { s3uid: String } })
  reset()
  advance(1000)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  t.match(await (await orderOf('music')).place(), { state: 'done', created: { s3uid: older.created.s3uid } })
})

t.test('an order that was unknown and is found is done for whoever sends its key again', async t => {
  const { control, orderOf, sent } = await shop(t)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  // The look before the POST succeeds.
  control.fault({ kind: 'html-200', action: 'get_users', after: 1 })
  const { place, entry } = await orderOf('photos')
  t.match(await place(), { state: 'unknown', problem: { name: 'upstream-timeout' } })
  control.clearFaults()
  t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
  t.match(await entry(), { state: 'done', problem: Object }, 'what went wrong is kept')
  t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
  t.equal(sent(), 1)
})

t.test('an order whose account does not come in time has failed, and its key says so again', async t => {
  const { control, orderOf, sent, advance } = await shop(t)
  control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
  const { place, entry } = await orderOf('photos')
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
      const { control, orderOf, sent } = await shop(t)
      control.fault({ kind, action, count: 1 })
      const { place, entry } = await orderOf('photos')
      t.ok(isProblem(await place(), problem))
      t.equal(await entry(), undefined)
      const before = sent()
      t.match(await place(), { state: 'done' })
      t.equal(sent(), before + 1)
    })
  }
})

t.test('a refusal that is meant is kept', async t => {
  const { control, orderOf, sent } = await shop(t)
  control.fault({ kind: 'refusal', text: 'Permission denied', action: 'create_order', count: 1 })
  const { place, entry } = await orderOf('photos')
  t.ok(isProblem(await place(), 'forbidden'))
  t.match(await entry(), { state: 'failed', problem: { name: 'forbidden', outcome: 'not-applied' } })
  t.ok(isProblem(await place(), 'forbidden'))
  t.equal(sent(), 1)
})
