import t, { type Test } from 'tap'
import { isProblem, Problem } from '../../../../src/core/problem.ts'
import { deleteBucket, getBuckets } from '../../../../src/upstream/actions/buckets.ts'
import { drained } from '../../../../src/upstream/resilience/shutdown-guard.ts'
import { bareUpstream } from '../../../support/bare-upstream.ts'
import { errandOf, heard } from '../../../support/errands.ts'
import { eventually } from '../../../support/eventually.ts'

const account = { s3uid: 's3_user_1' }
const bucket = { ...account, bucket_name: 'empty-bucket' }

/** An errand whose replica may end, and a call of the sandbox on it. */
const errandAt = async (t: Test) => {
  const { sandbox, upstream } = await bareUpstream(t)
  const ending = new AbortController()
  const errand = errandOf({ token: sandbox.demo.token, signal: ending.signal })
  return { control: sandbox.control, call: drained(upstream.call), errand, ending }
}

const draining = () => new Problem('draining', 'This replica is shutting down.')

t.test('while the replica ends', async t => {
  t.test('no write begins, and no read', async t => {
    const { control, call, errand, ending } = await errandAt(t)
    ending.abort(draining())
    t.ok(isProblem(await heard(call(deleteBucket, bucket, errand)), 'draining'))
    t.ok(isProblem(await heard(call(getBuckets, account, errand)), 'draining'))
    t.strictSame(control.counters(), {})
    t.notOk(errand.spent.hasWritten)
  })

  t.test('a read that is under way ends', async t => {
    const { control, call, errand, ending } = await errandAt(t)
    control.fault({ kind: 'hang', action: 'get_buckets' })
    const read = heard(call(getBuckets, account, errand))
    t.ok(await eventually(() => control.counters()['get_buckets'] === 1))
    ending.abort(draining())
    t.ok(isProblem(await read, 'draining'))
    t.notOk(errand.spent.hasWritten)
  })

  for (const [end, text] of [
    ['success', undefined],
    ['failure', 'Delete S3 bucket error: Bucket not empty']
  ] as const) {
    t.test(`a write that is under way goes on to its ${end}`, async t => {
      const { control, call, errand, ending } = await errandAt(t)
      control.fault({ kind: 'latency', action: 'delete_bucket', ms: 200 })
      if (text) control.fault({ kind: 'refusal', action: 'delete_bucket', text })
      const write = heard(call(deleteBucket, bucket, errand))
      t.ok(await eventually(() => control.counters()['delete_bucket'] === 1))
      t.ok(errand.spent.hasWritten)
      ending.abort(draining())
      t.equal(isProblem(await write) ? 'failure' : 'success', end)
      t.notOk(isProblem(await write, 'draining'))
    })
  }
})

t.test('a write is sent although the caller has hung up', async t => {
  const { control, call, errand, ending } = await errandAt(t)
  ending.abort()
  await call(deleteBucket, bucket, errand)
  t.strictSame(control.counters(), { delete_bucket: 1 })
})
