import { randomUUID } from 'node:crypto'
import t from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import type { Ledger } from '../../../../src/domain/orders/ledger/ledger.ts'
import { StoreUnavailable } from '../../../../src/store/index.ts'
import { LEASE_MS, shop } from './shop.ts'

t.test('whoever takes an entry over', async t => {
  const { orderOf, sent, ledger, advance, control } = await shop(t)

  t.test('buys where nothing was sent', async t => {
    const { place, intent } = await orderOf('photos')
    await ledger.claim(intent)
    t.ok(isProblem(await place(), 'idempotency-in-progress'))
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
    t.equal(sent(), 1)
  })

  t.test('checks afresh what was claimed before, and lets it go when it is refused', async t => {
    control.clearCalls()
    const { place, intent, entry } = await orderOf('films')
    await ledger.claim(intent)
    advance(LEASE_MS)
    const dearer = () => Promise.reject(new Problem('price-changed', 'dearer'))
    t.ok(isProblem(await place(ledger, dearer), 'price-changed'))
    t.equal(await entry(), undefined)
    t.equal(sent(), 0)
  })

  t.test(
    'checks it also when another request lets it go meanwhile, and never buys what another request wants',
    async t => {
      const { place, intent } = await orderOf('songs')
      /** The key was claimed when this request looked, and is free when it claims. */
      const seen = (fingerprint: string): Ledger => ({
        ...ledger,
        peek: async () => ({
          orderId: randomUUID(),
          intent: { ...intent, fingerprint },
          state: 'claimed',
          createdAt: 0,
          leasedAt: 0
        })
      })
      const dearer = () => Promise.reject(new Problem('price-changed', 'dearer'))
      t.ok(isProblem(await place(seen(intent.fingerprint), dearer), 'price-changed'))
      t.ok(isProblem(await place(seen('another')), 'idempotency-key-reused'))
      t.equal(sent(), 0)
    }
  )

  t.test('only looks where something may have been, and once: whoever asks again has waited already', async t => {
    const { place, intent } = await orderOf('music')
    const claim = await ledger.claim(intent)
    if (claim.kind === 'new')
      await ledger.record(claim.claimed, { state: 'sent', sentAt: Date.now(), accountsBefore: [] })
    advance(LEASE_MS)
    control.clearCalls()
    t.match(await place(), { state: 'unknown' })
    t.equal(sent(), 0)
    t.equal(control.counters()['get_users'], 2, 'by the bucket’s name, and by the plan')
  })
})

t.test('what HOSTKEY has said outlives the gateway that heard it', async t => {
  const { control, orderOf, sent, ledger, advance } = await shop(t)
  /** The gateway dies before it can record how the order ended. */
  const dying: Ledger = {
    ...ledger,
    record: (claimed, change) =>
      change.state === 'done' ? Promise.reject(new StoreUnavailable('killed')) : ledger.record(claimed, change)
  }
  /** Nobody sees a bucket. */
  const hidden = () => control.fault({ kind: 'refusal', action: 'get_buckets', text: 'Load bucket error: timeout' })

  t.test('the account, though its bucket is not seen any more', async t => {
    const { place, entry } = await orderOf('photos')
    t.match(await place(dying), { problem: 'store-unavailable', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent', created: { s3uid: String } })
    advance(LEASE_MS)
    hidden()
    t.strictSame((await place()).created, { s3uid: (await entry())?.created?.s3uid })
    t.equal(sent(), 1)
    control.clearFaults()
  })

  t.test('that an account was made with an error: the one that has no bucket is the one', async t => {
    control.clearCalls()
    // The name is another account's.
    const { place, entry } = await orderOf('other-bucket')
    t.match(await place(dying), { problem: 'store-unavailable', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent', answerLostAt: Number, problem: { outcome: 'partial' } })
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { s3uid: String, error: /had an error/ } })
    t.equal(sent(), 1)
  })
})
