import { randomUUID } from 'node:crypto'
import t from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import type { Ledger } from '../../../../src/domain/orders/ledger/ledger.ts'
import { StoreUnavailable } from '../../../../src/store/index.ts'
import { LATE_EXECUTION_WINDOW_MS, LEASE_MS, shop } from './shop.ts'

t.test('a request that takes over an entry', async t => {
  const { orderOf, sent, ledger, advance, control } = await shop(t)
  const priceChanged = () => Promise.reject(new Problem('price-changed', 'higher'))
  t.beforeEach(() => control.clearCalls())

  t.test('sends the order when nothing was sent', async t => {
    const { place, intent } = await orderOf('photos')
    await ledger.claim(intent)
    t.ok(isProblem(await place(), 'idempotency-in-progress'))
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { bucket: 'photos' } })
    t.equal(sent(), 1)
  })

  t.test('checks the order again, and abandons the entry when the check fails', async t => {
    const { place, intent, entry } = await orderOf('films')
    await ledger.claim(intent)
    advance(LEASE_MS)
    t.ok(isProblem(await place(ledger, priceChanged), 'price-changed'))
    t.equal(await entry(), undefined)
    t.equal(sent(), 0)
  })

  t.test('checks also a claim that was abandoned meanwhile, and never sends the order of another request', async t => {
    const { place, intent } = await orderOf('songs')
    /** A ledger in which the key was claimed when this request read it, and is free when it claims. */
    const stale = (fingerprint: string): Ledger => ({
      ...ledger,
      peek: async () => ({
        orderId: randomUUID(),
        intent: { ...intent, fingerprint },
        state: 'claimed',
        createdAt: 0,
        leasedAt: 0
      })
    })
    t.ok(isProblem(await place(stale(intent.fingerprint), priceChanged), 'price-changed'))
    t.ok(isProblem(await place(stale('another')), 'idempotency-key-reused'))
    t.equal(sent(), 0)
  })

  t.test('searches once for an order that may have been sent, and does not send it', async t => {
    const { place, intent } = await orderOf('music')
    const claim = await ledger.claim(intent)
    if (claim.kind === 'new')
      await ledger.record(claim.claimed, { state: 'sent', sentAt: Date.now(), accountsBefore: [] })
    advance(LEASE_MS)
    t.match(await place(), { state: 'unknown' })
    t.equal(sent(), 0)
    t.equal(control.counters()['get_users'], 2, 'by the name of the bucket, and by the plan')
  })

  t.test(
    'leaves it unknown after the late-execution window when HOSTKEY reported that it created an account',
    async t => {
      for (const [outcome, expected] of [
        ['partial', { state: 'unknown' }],
        ['unknown', { problem: 'upstream-bad-response', options: { outcome: 'not-applied' } }]
      ] as const) {
        const { place, intent } = await orderOf(`books-${outcome}`)
        const claim = await ledger.claim(intent)
        const times = { sentAt: await ledger.now(), answerLostAt: await ledger.now() }
        const problem = { name: 'account-state-unknown', detail: 'had an error', outcome } as const
        const accountsBefore = ['s3_user_1']
        if (claim.kind === 'new')
          await ledger.record(claim.claimed, { state: 'sent', ...times, accountsBefore, problem })
        advance(LEASE_MS + LATE_EXECUTION_WINDOW_MS)
        t.match(await place(), expected, outcome)
      }
    }
  )
})

t.test('HOSTKEY’s answer is recorded before a gateway can stop', async t => {
  const { control, orderOf, sent, ledger, advance } = await shop(t)
  /** The gateway stops before it records how the order ended. */
  const stopping: Ledger = {
    ...ledger,
    record: (claimed, change) =>
      change.state === 'done' ? Promise.reject(new StoreUnavailable('killed')) : ledger.record(claimed, change)
  }
  t.beforeEach(() => {
    control.clearFaults()
    control.clearCalls()
  })

  t.test('the account, even when its bucket is no longer listed', async t => {
    const { place, entry } = await orderOf('photos')
    t.match(await place(stopping), { problem: 'store-unavailable', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent', created: { s3uid: String } })
    advance(LEASE_MS)
    control.fault({ kind: 'refusal', action: 'get_buckets', text: 'Load bucket error: timeout' })
    t.strictSame((await place()).created, { s3uid: (await entry())?.created?.s3uid })
    t.equal(sent(), 1)
  })

  t.test('that an account was created with an error: the new account without a bucket is the one', async t => {
    // The name belongs to another account.
    const { place, entry } = await orderOf('other-bucket')
    t.match(await place(stopping), { problem: 'store-unavailable', options: { outcome: 'unknown' } })
    t.match(await entry(), { state: 'sent', answerLostAt: Number, problem: { outcome: 'partial' } })
    advance(LEASE_MS)
    t.match(await place(), { state: 'done', created: { s3uid: String, error: /had an error/ } })
    t.equal(sent(), 1)
  })
})
