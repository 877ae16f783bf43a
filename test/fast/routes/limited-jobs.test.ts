import t from 'tap'
import type { NewToken } from '../../../schemas/tokens.ts'
import { fails } from '../../support/assert/expect.ts'
import type { SendOptions } from '../../support/harness/gateway.ts'
import { ALL, BUCKET, createJob, DELETIONS, filesOf, jobAfter } from '../../support/harness/jobs.ts'
import { withServices } from '../../support/harness/services.ts'

const SCOPES: NewToken['scopes'] = ['files:delete', 'files:read']

t.test('jobs of a caller that is limited to buckets, or to paths with a prefix', async t => {
  const running = await withServices(t, {
    service: { scopes: SCOPES, buckets: [`s3_user_1/${BUCKET}`], pathPrefix: 'a/' },
    neighbour: { scopes: SCOPES, buckets: [`s3_user_1/${BUCKET}`], pathPrefix: 'a/' }
  })
  const { get, post, del, as, sandbox } = running
  const { control } = sandbox
  t.beforeEach(() => control.reset())
  const make = async (body: Partial<NewToken>, options: SendOptions = {}) => {
    const reply = await post('/tokens', { name: 'a partner', scopes: SCOPES, expiresInSeconds: 600, ...body }, options)
    return { token: String(reply.json().token), tokenId: String(reply.json().tokenId) }
  }
  const { put, left } = filesOf(control)

  t.test('207 and 202 delete what the caller reaches, and nothing else', async t => {
    const parent = await make({ pathPrefix: 'a/' })
    const callers = { service: as.service, parent, child: await make({ expiresInSeconds: 60 }, parent) }
    for (const [who, options] of Object.entries(callers)) {
      control.reset()
      put('a/1', 'a/2', 'a/b/3', 'a.txt', 'b/a/1', 'a')
      const reply = await post(DELETIONS, { paths: ['a/1', 'a/none'] }, options)
      t.equal(reply.statusCode, 207, who)
      t.match(reply.json(), { deleted: 1, missing: 1, failed: 0 })
      const { jobId } = await createJob(running, { prefix: 'a/', confirm: BUCKET }, options)
      t.match(await jobAfter(running, jobId, { options }), { state: 'succeeded', counts: { deleted: 2 } })
      t.strictSame(left(), ['a', 'a.txt', 'b/a/1'], who)
      const another = `/accounts/s3_user_1/buckets/logs/file-deletions`
      if (who === 'service') fails(t, await post(another, { paths: ['a/1'] }, options), 403, 'insufficient-scope')
      fails(t, await post(DELETIONS, ALL, options), 403, 'insufficient-scope')
      fails(t, await post(DELETIONS, { prefix: 'a', confirm: BUCKET }, options), 403, 'insufficient-scope')
    }
  })

  t.test('202 empties a bucket for a caller that is limited to it alone', async t => {
    put('a/1', '2')
    const options = await make({ buckets: [`s3_user_1/${BUCKET}`] })
    const { jobId } = await createJob(running, ALL, options)
    t.match(await jobAfter(running, jobId, { options }), { state: 'succeeded', counts: { deleted: 2, remaining: 0 } })
    const logs = '/accounts/s3_user_1/buckets/logs/file-deletions'
    control.clearCalls()
    fails(t, await post(logs, { all: true, confirm: 'logs' }, options), 403, 'insufficient-scope')
    t.strictSame(control.calls(), [])
  })

  t.test('403 insufficient-scope as the outcome of a listed path with dot segments, which is not sent', async t => {
    put('a/1', 'a/../b', 'a/./1', 'a/c/..', '2')
    const options = await make({ pathPrefix: 'a/' })
    const { jobId } = await createJob(running, { prefix: 'a/', confirm: BUCKET }, options)
    t.match(await jobAfter(running, jobId, { options }), {
      state: 'partly-failed',
      counts: { deleted: 1, failed: 3, remaining: 0 }
    })
    const { items } = (await get(`/jobs/${jobId}/results?outcome=failed`, options)).json()
    t.match(items, Array(3).fill({ problem: { name: 'insufficient-scope', status: 403 } }))
    t.strictSame(left(), ['2', 'a/../b', 'a/./1', 'a/c/..'])
  })

  t.test('404 job-not-found for the jobs of others; lists, cursors and conflicts do not tell of them', async t => {
    put('a/1', 'b')
    const own = await make({ pathPrefix: 'a/' })
    const others = {
      owner: {},
      neighbour: as.neighbour,
      service: as.service,
      child: await make({ expiresInSeconds: 60 }, own)
    }
    const mine: string[] = []
    for (let n = 0; n < 2; n += 1) {
      for (const options of Object.values(others)) {
        const { jobId } = await createJob(running, { paths: ['a/x'] }, options)
        await jobAfter(running, jobId, { options })
        for (const [method, path] of [
          ['GET', ''],
          ['GET', '/results'],
          ['GET', '/result-stream'],
          ['GET', '/events'],
          ['POST', '/resume'],
          ['DELETE', '']
        ] as const) {
          fails(t, await running.send(method, `/jobs/${jobId}${path}`, own), 404, 'job-not-found')
        }
        fails(t, await get(`/jobs?cursor=${jobId}`, own), 400, 'invalid-cursor')
      }
      const { jobId } = await createJob(running, { paths: ['a/y'] }, own)
      await jobAfter(running, jobId, { options: own })
      mine.unshift(jobId)
    }
    const page = (await get('/jobs?limit=1', own)).json()
    const rest = (await get(`/jobs?limit=1&cursor=${page.nextCursor}`, own)).json()
    t.strictSame([page.items[0].jobId, rest.items[0].jobId], mine)
    t.strictSame([page.nextCursor, rest.nextCursor], [mine[0], null])
    const all = (await get('/jobs?limit=100')).json().items.map(({ jobId }: { jobId: string }) => jobId)
    t.strictSame([all[0], all[5]], mine, 'the customer sees those of all callers')
    t.equal((await get(`/jobs/${mine[0]}/events`, own)).statusCode, 200)

    control.fault({ kind: 'latency', action: 'delete_file', ms: 300 })
    const { jobId } = await createJob(running, { paths: ['b'] })
    const conflict = await post(DELETIONS, { prefix: 'a/', confirm: BUCKET }, own)
    fails(t, conflict, 409, 'job-running')
    t.notOk('links' in conflict.json())
    await jobAfter(running, jobId)
  })

  t.test('202 resumes and cancels its own job', async t => {
    const own = await make({ pathPrefix: 'a/' })
    put('a/1', 'a/2')
    control.fault({ kind: 'refusal', action: 'delete_file', text: 'Invalid token', count: 8 })
    const { jobId } = await createJob(running, { prefix: 'a/', confirm: BUCKET }, own)
    t.match(await jobAfter(running, jobId, { options: own }), { state: 'paused', problem: { name: 'invalid-token' } })
    const conflict = await post(DELETIONS, { prefix: 'a/', confirm: BUCKET }, own)
    fails(t, conflict, 409, 'job-running', { links: { job: `/jobs/${jobId}` } })
    control.clearFaults()
    t.equal((await post(`/jobs/${jobId}/resume`, undefined, own)).statusCode, 202)
    t.match(await jobAfter(running, jobId, { options: own }), { state: 'succeeded', counts: { deleted: 2 } })
    t.match((await del(`/jobs/${jobId}`, own)).json(), { state: 'succeeded' })
  })
})
