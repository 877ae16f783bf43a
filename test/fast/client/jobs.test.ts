import t from 'tap'
import { createClient } from '../../../client/src/index.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { BUCKET, filesOf } from '../../support/harness/jobs.ts'
import { failureOf } from './failure.ts'

const ACCOUNT = 's3_user_1'

t.test('a deletion of many files', async t => {
  const { url, sandbox } = await gateway(t)
  const { control, demo } = sandbox
  const client = createClient({ baseUrl: url, token: demo.token })
  const { put } = filesOf(control)

  t.test('is awaited to its end, with what became of each file', async t => {
    put('a', 'b')
    const deletion = client.deletePaths(ACCOUNT, BUCKET, ['a', 'b', 'nothing'])
    const job = await deletion
    t.match(job, { state: 'succeeded', counts: { deleted: 2, missing: 1 } })
    t.equal((await deletion.created).jobId, job.jobId)
    const missing = []
    for await (const { path } of deletion.results({ outcome: 'missing' })) missing.push(path)
    t.strictSame(missing, ['nothing'])
  })

  t.test('reports its progress, and deletes by prefix', async t => {
    put('logs/1', 'logs/2', 'other')
    const states: string[] = []
    for await (const { state, counts } of client.deletePrefix(ACCOUNT, BUCKET, 'logs/')) {
      states.push(state)
      if (state === 'succeeded') t.match(counts, { deleted: 2, remaining: 0 })
    }
    t.equal(states.at(-1), 'succeeded')
    t.match(await client.emptyBucket(ACCOUNT, BUCKET), { state: 'succeeded', counts: { deleted: 1 } })
  })

  t.test('is cancelled', async t => {
    put(...Array.from({ length: 200 }, (_, n) => `file-${n}`))
    control.fault({ kind: 'latency', action: 'delete_file', ms: 50 })
    const deletion = client.emptyBucket(ACCOUNT, BUCKET)
    await deletion.created
    await deletion.cancel()
    t.equal((await deletion).state, 'cancelled')
    control.clearFaults()
  })

  t.test('fails where it could not begin', async t => {
    t.match(await failureOf(Promise.resolve(client.emptyBucket(ACCOUNT, 'nothing'))), { name: 'bucket-not-found' })
  })
})
