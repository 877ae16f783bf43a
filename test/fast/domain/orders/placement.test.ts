import t from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import type { Ledger } from '../../../../src/domain/orders/ledger/ledger.ts'
import { StoreUnavailable } from '../../../../src/store/index.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { LEASE_MS, shop } from './shop.ts'

t.test('the ledger records `sent` before the order is sent', async t => {
  const { control, orderOf, sent, ledger } = await shop(t)
  control.fault({ kind: 'latency', action: 'create_order', ms: 300 })
  const { place, entry } = await orderOf('photos')
  const placed = place()
  t.ok(await eventually(() => sent() === 1))
  t.match(await entry(), { state: 'sent', sentAt: Number, accountsBefore: Array })
  t.match(await placed, { state: 'done', created: { bucket: 'photos' } })

  t.test('nothing is sent when the record fails', async t => {
    control.clearCalls()
    const { place } = await orderOf('music')
    t.ok(
      (await place({ ...ledger, record: () => Promise.reject(new StoreUnavailable('down')) })) instanceof
        StoreUnavailable
    )
    t.equal(sent(), 0)
  })
})

t.test('a request whose entry was taken over', async t => {
  const { control, orderOf, sent, ledger, advance } = await shop(t)
  /** Another request takes the entry over before this state is recorded. */
  const takenOver = (state: string, intent: Parameters<Ledger['claim']>[0]): Ledger => ({
    ...ledger,
    async record(claimed, change) {
      if (change.state === state) {
        advance(LEASE_MS)
        t.match(await ledger.claim(intent), { kind: 'takeover' })
      }
      return ledger.record(claimed, change)
    }
  })

  t.test('sends nothing when that happened before the POST', async t => {
    const { place, intent, entry } = await orderOf('photos')
    const fenced = await place(takenOver('sent', intent))
    t.match(fenced, { problem: 'idempotency-in-progress', options: { outcome: 'not-applied' } })
    t.equal(sent(), 0)
    t.match(await entry(), { state: 'claimed' }, 'it belongs to the other request')
  })

  t.test('reports it after the POST, and the other request finds the account', async t => {
    control.clearCalls()
    const { place, intent, entry } = await orderOf('music')
    const fenced = await place(takenOver('done', intent))
    t.match(fenced, { problem: 'idempotency-in-progress', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent' })
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { bucket: 'music' } })
    t.equal(sent(), 1)
  })
})

t.test('an order does not get the account of another one', async t => {
  t.test('whose bucket name is the requested one with a prefix', async t => {
    const { control, orderOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await orderOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await orderOf('my-photos')).place(), { state: 'done' })
    t.match(await lost.place(), { state: 'unknown' })
  })

  t.test('whose bucket has the requested name, but which is free', async t => {
    const { control, orderOf } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const lost = await orderOf('photos')
    t.match(await lost.place(), { state: 'unknown' })
    t.match(await (await orderOf('photos', 'account')).place(), { state: 'done', created: { bucket: 'photos' } })
    t.match(await lost.place(), { state: 'unknown' })
  })
})

t.test('an order gets the account whose s3uid belonged to an older order and was reused by HOSTKEY', async t => {
  const { control, orderOf, reset, advance } = await shop(t)
  const older = await (await orderOf('photos')).place()
  t.match(older, { state: 'done', created: { s3uid: String } })
  reset()
  advance(1000)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  t.match(await (await orderOf('music')).place(), { state: 'done', created: { s3uid: older.created.s3uid } })
})

t.test('an unknown order is done when its key is repeated and the account is found', async t => {
  const { control, orderOf, sent } = await shop(t)
  control.fault({ kind: 'reset-after', action: 'create_order', count: 1 })
  // The list before the POST succeeds.
  control.fault({ kind: 'html-200', action: 'get_users', after: 1 })
  const { place, entry } = await orderOf('photos')
  t.match(await place(), { state: 'unknown', problem: { name: 'upstream-timeout' } })
  control.clearFaults()
  t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
  t.match(await entry(), { state: 'done', problem: Object }, 'with the problem of the lost answer')
  t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
  t.equal(sent(), 1)
})

t.test(
  'an order fails when its account has not appeared in the late-execution window; its key replays the failure',
  async t => {
    const { control, orderOf, sent, advance } = await shop(t)
    control.fault({ kind: 'html-502', action: 'create_order', count: 1 })
    const { place, entry } = await orderOf('photos')
    t.match(await place(), { state: 'unknown' })
    advance(3_600_000)
    const failed = await place()
    t.match(failed, { problem: 'upstream-bad-response', options: { outcome: 'not-applied', isRecorded: true } })
    t.notOk(failed.options.headers, 'not a replay')
    t.match(await entry(), { state: 'failed', problem: { outcome: 'not-applied' } })
    t.match(await place(), {
      problem: 'upstream-bad-response',
      options: { outcome: 'not-applied', headers: { 'idempotency-replayed': 'true' } }
    })
    t.equal(sent(), 1)
  }
)

t.test('the same key may order again', async t => {
  const { control, orderOf, sent } = await shop(t)
  for (const [cause, kind, action, problem] of [
    ['HOSTKEY is overloaded', 'throttled', 'create_order', 'upstream-throttled'],
    ['the token has expired', 'auth-failure', 'create_order', 'invalid-token'],
    ['the accounts cannot be listed first', 'html-200', 'get_users', 'upstream-bad-response']
  ] as const) {
    t.test(`after ${problem} because ${cause}`, async t => {
      control.fault({ kind, action, count: 1 })
      const { place, entry } = await orderOf(`b-${kind}`)
      t.ok(isProblem(await place(), problem))
      t.equal(await entry(), undefined)
      const before = sent()
      t.match(await place(), { state: 'done' })
      t.equal(sent(), before + 1)
    })
  }
})

t.test('a refusal is recorded and replayed', async t => {
  const { control, orderOf, sent } = await shop(t)
  control.fault({ kind: 'refusal', text: 'Permission denied', action: 'create_order', count: 1 })
  const { place, entry } = await orderOf('photos')
  t.ok(isProblem(await place(), 'forbidden'))
  t.match(await entry(), { state: 'failed', problem: { name: 'forbidden', outcome: 'not-applied' } })
  t.ok(isProblem(await place(), 'forbidden'))
  t.equal(sent(), 1)
})
