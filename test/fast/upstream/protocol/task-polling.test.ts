import t from 'tap'
import { getBucketsUsage } from '../../../../src/upstream/actions/buckets.ts'
import { fails } from '../../../support/assert/expect.ts'
import { fakeUpstream } from '../../../support/fakes/upstream.ts'
import { contextOf } from '../../../support/harness/contexts.ts'
import { gateway } from '../../../support/harness/gateway.ts'

const USAGE = '/accounts/s3_user_1/usage'

t.test('a read that HOSTKEY queues', async t => {
  const { get, sandbox } = await gateway(t, { UPSTREAM_TIMEOUT_MS: '1500' })
  const { control } = sandbox
  const polls = () => control.calls().filter(({ script }) => script === 'eq_callback.php').length
  const plain = (await get(USAGE)).json()
  t.beforeEach(() => control.reset())

  t.test('200 with the same body as without a queue, when it is ready within the deadline', async t => {
    control.setBehaviours({ rmq: 'callback', callbackSeconds: 0 })
    const reply = await get(USAGE)
    t.equal(reply.statusCode, 200, reply.text)
    t.strictSame(reply.json(), plain)
    t.equal(polls(), 1)
    t.equal(control.counters()['get_buckets_rmq'], 1)
  })

  t.test('200 after several polls when it is slow', async t => {
    control.setBehaviours({ rmq: 'callback', callbackSeconds: 1 })
    const reply = await get(USAGE)
    t.equal(reply.statusCode, 200, reply.text)
    t.strictSame(reply.json(), plain)
    t.ok(polls() >= 2)
    t.equal(control.counters()['get_buckets_rmq'], 1)
  })

  t.test('504 upstream-timeout at the deadline when it is never ready; the call is sent once', async t => {
    control.setBehaviours({ rmq: 'stall' })
    const startedAt = performance.now()
    fails(t, await get(USAGE), 504, 'upstream-timeout', { retryable: true })
    const ms = performance.now() - startedAt
    t.ok(ms >= 1400 && ms < 2500, `${Math.round(ms)} ms`)
    t.ok(polls() >= 3)
    t.equal(control.counters()['get_buckets_rmq'], 1)
  })
})

t.test('upstream-bad-response, not account-not-found, when HOSTKEY no longer knows the task', async t => {
  const { upstream } = await fakeUpstream(t, {
    get_buckets_rmq: () => ({ callback: 'a1'.repeat(16) }),
    check: () => 'AsyncKey not found'
  })
  const asked = upstream.call(getBucketsUsage, { s3uid: 's3_user_1' }, contextOf())
  t.match(await asked.catch((error: unknown) => error), { problem: 'upstream-bad-response' })
})
