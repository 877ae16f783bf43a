import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { fails } from '../../../support/assert/expect.ts'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway, type Reply } from '../../../support/harness/gateway.ts'

const BUCKETS = '/accounts/s3_user_1/buckets'
const LIST = 'get_buckets'

/** A gateway of its own: its breaker must not remember the faults of other tests. Its second look comes late. */
const patient = async (t: Test) => {
  const { del, post, sandbox } = await gateway(t, {}, { verifyDelaysMs: [0, 20_000] })
  const { control } = sandbox
  return {
    control,
    remove: () => del(`${BUCKETS}/empty-bucket`),
    create: () => post(BUCKETS, { name: 'photos' }),
    order: () => post('/orders', { planId: 2, bucketName: 'photos' }, { headers: { 'idempotency-key': randomUUID() } }),
    lists: () => control.counters()[LIST] ?? 0
  }
}

const timed = async (ask: () => Promise<Reply>) => {
  const startedAt = performance.now()
  return { reply: await ask(), ms: performance.now() - startedAt }
}

const takesFiveSeconds = (t: Test, ms: number, what: string) => t.ok(ms > 4500 && ms < 8000, `${what}: ${ms} ms`)

t.test('the looks take 5 s at most, and none begins after them', async t => {
  const afterDeletion = async () => {
    const { control, remove, lists } = await patient(t)
    control.fault({ kind: 'truncated', action: 'delete_bucket' })
    control.fault({ kind: 'hang', action: LIST })
    const { reply, ms } = await timed(remove)
    fails(t, reply, 502, 'upstream-bad-response', { outcome: 'unknown' })
    takesFiveSeconds(t, ms, 'a deletion')
    t.equal(lists(), 1)
  }
  const afterCreation = async () => {
    const { control, create, lists } = await patient(t)
    control.fault({ kind: 'truncated', action: 'create_bucket' })
    // Behind the list that goes before the creation.
    control.fault({ kind: 'hang', action: LIST, after: 1 })
    const { reply, ms } = await timed(create)
    fails(t, reply, 502, 'upstream-bad-response', { outcome: 'unknown' })
    takesFiveSeconds(t, ms, 'a creation')
    t.equal(lists(), 2)
  }
  const afterRepetition = async () => {
    const { control, create, lists } = await patient(t)
    control.fault({ kind: 'truncated', action: 'create_bucket', count: 1 })
    control.fault({ kind: 'hang', action: LIST, after: 1, count: 1 })
    fails(t, await create(), 502, 'upstream-bad-response', { outcome: 'unknown' })
    control.fault({ kind: 'hang', action: LIST, after: 1 })
    const { reply, ms } = await timed(create)
    fails(t, reply, 409, 'bucket-exists')
    takesFiveSeconds(t, ms, 'the same creation again')
    t.equal(lists(), 4)
  }
  const afterLostOrder = async () => {
    const { control, order } = await patient(t)
    control.fault({ kind: 'truncated', action: 'create_order' })
    // Behind the look at the accounts before.
    control.fault({ kind: 'hang', action: 'get_users', after: 1 })
    const { reply, ms } = await timed(order)
    t.hasStrict([reply.statusCode, reply.json()], [202, { state: 'unknown' }], reply.text)
    takesFiveSeconds(t, ms, 'an order')
    t.equal(control.counters()['get_users'], 2)
  }
  const afterOrder = async () => {
    const { control, order, lists } = await patient(t)
    control.fault({ kind: 'hang', action: LIST })
    const { reply, ms } = await timed(order)
    t.hasStrict([reply.statusCode, reply.json()], [201, { bucket: null }], reply.text)
    takesFiveSeconds(t, ms, 'the bucket of an order')
    t.equal(lists(), 1)
  }
  await Promise.all([afterDeletion(), afterCreation(), afterRepetition(), afterLostOrder(), afterOrder()])
})

t.test('the looks have 5 s of their own, however long the write took', async t => {
  const ms = 5500
  const afterDeletion = async () => {
    const { control, remove, lists } = await patient(t)
    control.fault({ kind: 'latency', action: 'delete_bucket', ms })
    control.fault({ kind: 'truncated', action: 'delete_bucket' })
    t.equal((await remove()).statusCode, 204)
    t.equal(lists(), 1)
  }
  const afterCreation = async () => {
    const { control, create, lists } = await patient(t)
    control.fault({ kind: 'latency', action: 'create_bucket', ms })
    control.fault({ kind: 'truncated', action: 'create_bucket' })
    t.equal((await create()).statusCode, 201)
    t.equal(lists(), 2)
  }
  await Promise.all([afterDeletion(), afterCreation()])
})

t.test('a deletion is looked for although the caller has hung up', async t => {
  const { url, lines, sandbox } = await gateway(t)
  const { control } = sandbox
  control.fault({ kind: 'latency', action: 'delete_bucket', ms: 200 })
  control.fault({ kind: 'truncated', action: 'delete_bucket' })
  const headers = { authorization: `Bearer ${sandbox.demo.token}` }
  const call = request(`${url}${BUCKETS}/empty-bucket`, { method: 'DELETE', headers })
  call.on('error', () => undefined)
  call.end()
  t.ok(await eventually(() => control.counters()['delete_bucket'] === 1))
  call.destroy()
  t.ok(await eventually(() => lines.some(line => line.includes('"clientAborted":true'))))
  t.match(lines.at(-1), /"status":204/)
})
