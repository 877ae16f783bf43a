import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { isProblem } from '../../../../src/core/problem.ts'
import { createBulkhead } from '../../../../src/upstream/resilience/bulkhead.ts'
import { classOf } from '../../../../src/upstream/resilience/call-classes.ts'
import { fails } from '../../../support/assert/expect.ts'
import { gateway } from '../../../support/harness/gateway.ts'

t.test('a bulkhead', async t => {
  t.test('runs as many as it has slots, the others in their order, and refuses those beyond its queue', async t => {
    const bulkhead = createBulkhead({ slots: 2, queueSize: 3, maxWaitMs: 1000 })
    const order: number[] = []
    let most = 0
    const runs = Array.from({ length: 7 }, (_, index) =>
      bulkhead.run(async () => {
        order.push(index)
        most = Math.max(most, bulkhead.inFlight)
        await pause(20)
      })
    )
    const results = await Promise.allSettled(runs)
    t.strictSame(
      results.map(({ status }) => status),
      [...Array.from({ length: 5 }, () => 'fulfilled'), 'rejected', 'rejected']
    )
    t.strictSame(order, [0, 1, 2, 3, 4])
    t.equal(most, 2)
    t.equal(bulkhead.inFlight, 0)
  })

  t.test('refuses work that has waited too long, without beginning it', async t => {
    const bulkhead = createBulkhead({ slots: 1, queueSize: 1, maxWaitMs: 20 })
    const first = bulkhead.run(() => pause(80))
    let hasBegun = false
    const second = bulkhead.run(async () => {
      hasBegun = true
    })
    t.ok(isProblem(await second.catch(error => error), 'overloaded'))
    await first
    t.notOk(hasBegun)
    t.equal(await bulkhead.run(async () => 'free again'), 'free again')
  })

  t.test('frees the slot when the work fails', async t => {
    const bulkhead = createBulkhead({ slots: 1, queueSize: 0, maxWaitMs: 20 })
    await t.rejects(
      bulkhead.run(() => Promise.reject(new Error('no'))),
      /no/
    )
    t.equal(bulkhead.inFlight, 0)
    const busy = bulkhead.run(() => pause(20))
    const refusal = await bulkhead.run(async () => undefined).catch(error => error)
    t.ok(isProblem(refusal, 'overloaded'))
    t.ok((refusal.options.retryAfterSeconds ?? 0) >= 1)
    await busy
  })
})

t.test('503 overloaded with Retry-After when a bulkhead is full; the others are not affected', async t => {
  const { get, post, sandbox } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '5000' })
  const { slots, queueSize } = classOf['async-read']
  sandbox.control.fault({ kind: 'latency', action: 'get_buckets_rmq', ms: 2000 })
  const beyond = 4
  const asked = Array.from({ length: slots + queueSize + beyond }, (_, n) =>
    // Different unknown accounts: identical reads would share one call.
    get(`/accounts/s3_user_${1000 + n}/usage`)
  )
  await pause(100)
  t.equal((await get('/accounts')).statusCode, 200, 'reads have slots of their own')
  t.equal((await post('/accounts/s3_user_1/buckets', { name: 'meanwhile' })).statusCode, 201, 'writes too')
  const replies = await Promise.all(asked)
  const refused = replies.filter(({ statusCode }) => statusCode !== 404)
  // The queue is refused after 250 ms, long before a slot is free.
  t.equal(refused.length, queueSize + beyond)
  for (const reply of refused) {
    fails(t, reply, 503, 'overloaded', { retryable: true })
    t.match(reply.headers['retry-after'], /^[1-3]$/)
  }
  t.equal(sandbox.control.counters()['get_buckets_rmq'], slots)
})
