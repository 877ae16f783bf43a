import t from 'tap'
import { eventually } from '../../../support/harness/eventually.ts'
import { gateway } from '../../../support/harness/gateway.ts'
import { ALL, BUCKET, createJob, jobAfter } from '../../../support/harness/jobs.ts'

t.test('a job says how it ended', async t => {
  const running = await gateway(t)
  const { control } = running.sandbox
  t.beforeEach(() => control.reset())
  const put = (count: number) => {
    for (let n = 0; n < count; n += 1) control.putFile(BUCKET, `file-${n}`)
  }
  const sent = () => control.counters()['delete_file'] ?? 0

  t.test('partly-failed, with the reason, when HOSTKEY refuses a file', async t => {
    put(20)
    control.fault({ kind: 'refusal', action: 'delete_file', text: 'Delete S3 file error: AccessDenied', count: 1 })
    const { jobId } = await createJob(running, ALL)
    const job = await jobAfter(running, jobId)
    t.match(job, { state: 'partly-failed', counts: { found: 20, deleted: 19, failed: 1, remaining: 0 } })
    const { items } = (await running.get(`/jobs/${jobId}/results?outcome=failed`)).json()
    t.match(items, [{ problem: { name: 'forbidden', status: 403 } }])
  })

  t.test('partly-failed, with what remains, when a file came meanwhile', async t => {
    put(60)
    control.fault({ kind: 'latency', action: 'delete_file', ms: 40 })
    const { jobId } = await createJob(running, ALL)
    await eventually(() => sent() > 20)
    control.advance(3600)
    control.putFile(BUCKET, 'a-late-file')
    const job = await jobAfter(running, jobId)
    t.match(job, { state: 'partly-failed', counts: { deleted: 60, failed: 0, remaining: 1 } })
  })

  t.test('partly-failed, and remaining null, when the list cannot be read', async t => {
    put(5)
    const text = 's3/get_files: Load S3 files error: AccessDenied'
    control.fault({ kind: 'refusal', action: 'get_files', text, after: 1 })
    const { jobId } = await createJob(running, ALL)
    t.match(await jobAfter(running, jobId), {
      state: 'partly-failed',
      counts: { deleted: 0, remaining: null },
      problem: { name: 'forbidden' }
    })
  })

  t.test('partly-failed when the bucket or the account vanishes', async t => {
    const refusals = {
      'bucket-not-found': 'Delete S3 file error: NoSuchBucket',
      'account-not-found': 'S3 account not found for this customer'
    }
    for (const [name, text] of Object.entries(refusals)) {
      control.reset()
      put(40)
      control.fault({ kind: 'refusal', action: 'delete_file', text, after: 10 })
      const { jobId } = await createJob(running, ALL)
      const job = await jobAfter(running, jobId)
      t.match(job, { state: 'partly-failed', problem: { name }, counts: { remaining: null } })
      const { found, deleted, missing, failed } = job.counts
      t.equal(found, deleted + missing + failed, 'each has an outcome')
    }
  })

  t.test('cancelled, and a file whose answer is lost is failed: it does not count as not reached', async t => {
    put(20)
    control.fault({ kind: 'reset-after', action: 'delete_file' })
    const { jobId } = await createJob(running, ALL)
    t.ok(await eventually(() => sent() > 0))
    t.equal((await running.del(`/jobs/${jobId}`)).statusCode, 202)
    const job = await jobAfter(running, jobId)
    const left = control.state().buckets.find(({ name }) => name === BUCKET)?.files.length ?? 20
    t.ok(left < 20)
    t.match(job, { state: 'cancelled', counts: { found: 20, deleted: 0, failed: 20 - left, remaining: left } })
    const { items } = (await running.get(`/jobs/${jobId}/results`)).json()
    t.match(items[0], { outcome: 'failed', problem: { name: 'upstream-timeout' } })
  })

  t.test('it waits while HOSTKEY throttles, and does not fail', async t => {
    put(20)
    control.fault({ kind: 'throttled-retry-after', action: 'delete_file', ms: 1, count: 10 })
    const { jobId } = await createJob(running, ALL)
    t.match(await jobAfter(running, jobId), { state: 'succeeded', counts: { deleted: 20, missing: 0, failed: 0 } })
  })
})
