import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { startSandbox } from '../../../../src/sandbox/index.ts'
import { deleteBucket, getBuckets } from '../../../../src/upstream/actions/buckets.ts'
import { withShutdownGuard } from '../../../../src/upstream/resilience/shutdown-guard.ts'
import { clientOf } from '../../../support/fakes/upstream.ts'
import { contextOf, heard } from '../../../support/harness/contexts.ts'
import { eventually } from '../../../support/harness/eventually.ts'

const account = { s3uid: 's3_user_1' }
const bucket = { ...account, bucket_name: 'empty-bucket' }

/** The context of a request whose replica may shut down, and a guarded call. */
const guardedCall = async (t: Test) => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  const upstream = clientOf(t, sandbox.url)
  const ending = new AbortController()
  const context = contextOf({ token: sandbox.demo.token, signal: ending.signal })
  return { control: sandbox.control, call: withShutdownGuard(upstream.call), context, ending }
}

const draining = () => new Problem('draining', 'This replica is shutting down.')

t.test('while the replica shuts down', async t => {
  t.test('no call begins', async t => {
    const { control, call, context, ending } = await guardedCall(t)
    ending.abort(draining())
    t.ok(isProblem(await heard(call(deleteBucket, bucket, context)), 'draining'))
    t.ok(isProblem(await heard(call(getBuckets, account, context)), 'draining'))
    t.strictSame(control.counters(), {})
    t.notOk(context.upstream.hasWritten)
  })

  t.test('a read in flight is aborted', async t => {
    const { control, call, context, ending } = await guardedCall(t)
    control.fault({ kind: 'hang', action: 'get_buckets' })
    const read = heard(call(getBuckets, account, context))
    t.ok(await eventually(() => control.counters()['get_buckets'] === 1))
    ending.abort(draining())
    t.ok(isProblem(await read, 'draining'))
    t.notOk(context.upstream.hasWritten)
  })

  for (const [end, text] of [
    ['success', undefined],
    ['failure', 'Delete S3 bucket error: Bucket not empty']
  ] as const) {
    t.test(`a write in flight continues to its ${end}`, async t => {
      const { control, call, context, ending } = await guardedCall(t)
      control.fault({ kind: 'latency', action: 'delete_bucket', ms: 200 })
      if (text) control.fault({ kind: 'refusal', action: 'delete_bucket', text })
      const write = heard(call(deleteBucket, bucket, context))
      t.ok(await eventually(() => control.counters()['delete_bucket'] === 1))
      t.ok(context.upstream.hasWritten)
      ending.abort(draining())
      t.equal(isProblem(await write) ? 'failure' : 'success', end)
      t.notOk(isProblem(await write, 'draining'))
    })
  }
})

t.test('a write is sent although the caller has disconnected', async t => {
  const { control, call, context, ending } = await guardedCall(t)
  ending.abort()
  await call(deleteBucket, bucket, context)
  t.strictSame(control.counters(), { delete_bucket: 1 })
})
