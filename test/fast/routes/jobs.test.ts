import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { fails, succeeds } from '../../support/assert/expect.ts'
import { leaksIn } from '../../support/assert/leaks.ts'
import { createBrowser } from '../../support/harness/browser-caller.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { ALL, BUCKET, createJob, DELETIONS, filesOf, jobAfter, outcomesOf } from '../../support/harness/jobs.ts'
import { withServices } from '../../support/harness/services.ts'

t.test('POST /accounts/:s3uid/buckets/:bucket/file-deletions', async t => {
  const running = await gateway(t)
  const { post, del, asked, sandbox, auditRecords } = running
  const { control } = sandbox
  t.beforeEach(() => {
    control.reset()
    control.clearCalls()
  })
  const { put, left } = filesOf(control)

  t.test('207 names what became of each path', async t => {
    put('a', 'b/../c', 'ü %')
    control.fault({
      kind: 'refusal',
      action: 'delete_file',
      text: 'Delete S3 file error: AccessDenied',
      after: 1,
      count: 1
    })
    const reply = await post(DELETIONS, { paths: ['a', 'b/../c', 'nothing', 'ü %', 'a'] })
    t.equal(reply.statusCode, 207, reply.text)
    const { items, ...counts } = reply.json()
    const [failed] = items.filter(({ outcome }: { outcome: string }) => outcome === 'failed')
    t.match(failed, { problem: { name: 'forbidden', status: 403 } })
    t.strictSame(
      items.map(({ path }: { path: string }) => path),
      ['a', 'b/../c', 'nothing', 'ü %']
    )
    t.equal(counts.deleted + counts.missing + counts.failed, 4)
    t.strictSame(left(), [failed.path === 'nothing' ? [] : failed.path].flat())
    t.match(auditRecords().at(-1), { event: 'files.delete', outcome: 'ok', selection: '4 paths', target: BUCKET })
  })

  t.test('202 for more than 100 paths, which are deleted without the caller', async t => {
    const paths = Array.from({ length: 150 }, (_, n) => `file-${n}`)
    put(...paths, 'other')
    const reply = await post(DELETIONS, { paths: [...paths, 'nothing'] })
    t.equal(reply.statusCode, 202, reply.text)
    const { jobId } = reply.json()
    t.equal(reply.headers['location'], `/jobs/${jobId}`)
    t.equal(reply.headers['retry-after'], '2')
    t.match(await jobAfter(running, jobId), {
      state: 'succeeded',
      selection: { pathCount: 151 },
      counts: { found: 151, deleted: 150, missing: 1, failed: 0, remaining: 0 }
    })
    t.strictSame(left(), ['other'])
    const audited = auditRecords().filter(record => record['jobId'] === jobId)
    t.match(audited, [
      { event: 'files.delete', outcome: 'unknown', selection: '151 paths', operation: 'createFileDeletion' },
      { event: 'files.delete', outcome: 'succeeded', counts: 'deleted 150, missing 1, failed 0', customerId: 1002 }
    ])
  })

  t.test('202 for a prefix, byte by byte, and for a whole bucket', async t => {
    put('logs/1', 'logs/2/3', 'LOGS/1', 'old/logs/1', 'logs')
    const job = await createJob(running, { prefix: 'logs/', confirm: BUCKET })
    t.match(await jobAfter(running, job.jobId), { state: 'succeeded', counts: { found: 2, deleted: 2 } })
    t.strictSame(left(), ['LOGS/1', 'logs', 'old/logs/1'])
    const all = await createJob(running, ALL)
    t.match(await jobAfter(running, all.jobId), { state: 'succeeded', counts: { found: 3, deleted: 3 } })
    t.equal((await del(`/accounts/s3_user_1/buckets/${BUCKET}`)).statusCode, 204, 'the bucket is empty')
  })

  t.test('the same Idempotency-Key and body answer with the same job', async t => {
    const headers = { 'idempotency-key': randomUUID() }
    put('a')
    const first = await post(DELETIONS, { paths: ['a'] }, { headers })
    t.equal(first.statusCode, 202)
    await jobAfter(running, first.json().jobId)
    const again = await post(DELETIONS, { paths: ['a'] }, { headers })
    t.equal(again.json().jobId, first.json().jobId)
    t.match(again.json(), { state: 'succeeded', counts: { deleted: 1 } })
    control.fault({ kind: 'empty-500', action: 'get_files' })
    t.equal(
      (await post(DELETIONS, { paths: ['a'] }, { headers })).json().jobId,
      first.json().jobId,
      'HOSTKEY is not asked'
    )
    fails(t, await post(DELETIONS, { paths: ['b'] }, { headers }), 422, 'idempotency-key-reused')
  })

  t.test('409 job-running while another job works on the bucket, with a link to it', async t => {
    control.fault({ kind: 'latency', action: 'delete_file', ms: 300 })
    put('a')
    const { jobId } = await createJob(running, ALL)
    const reply = await post(DELETIONS, ALL)
    fails(t, reply, 409, 'job-running', { links: { job: `/jobs/${jobId}` } })
    await jobAfter(running, jobId)
  })

  t.test('412 confirmation-mismatch unless the body repeats the name of the bucket', async t => {
    for (const body of [{ all: true }, { prefix: 'a', confirm: 'logs' }]) {
      fails(t, await post(DELETIONS, body), 412, 'confirmation-mismatch')
    }
    t.strictSame(asked(), [])
  })

  t.test('400 invalid-request when it is not exactly one selection', async t => {
    const wrong = [
      {},
      { confirm: BUCKET },
      { paths: ['a'], ...ALL },
      { prefix: 'a', ...ALL },
      { all: false, confirm: BUCKET },
      { prefix: '', confirm: BUCKET },
      { paths: [] },
      { paths: [''] },
      { paths: Array.from({ length: 1001 }, (_, n) => String(n)) },
      { paths: ['a'], colour: 'red' }
    ]
    for (const body of wrong) t.equal((await post(DELETIONS, body)).statusCode, 400, JSON.stringify(body))
    t.strictSame(asked(), [])
  })

  t.test('404 bucket-not-found and account-not-found, before a job is made', async t => {
    const nowhere = '/accounts/s3_user_1/buckets/nothing/file-deletions'
    fails(t, await post(nowhere, { all: true, confirm: 'nothing' }), 404, 'bucket-not-found')
    fails(t, await post(nowhere, { paths: ['a'] }), 404, 'bucket-not-found')
    const foreign = `/accounts/s3_user_2/buckets/${BUCKET}/file-deletions`
    fails(t, await post(foreign, ALL), 404, 'account-not-found')
  })

  t.test('409 bucket-not-empty of deleteBucket links to the way to empty it', async t => {
    put('a')
    const reply = await del(`/accounts/s3_user_1/buckets/${BUCKET}`)
    fails(t, reply, 409, 'bucket-not-empty', { links: { empty: DELETIONS } })
  })
})

t.test('GET /jobs and what it links to', async t => {
  const running = await gateway(t)
  const { get, post, del, sandbox } = running
  const { control } = sandbox
  for (const path of ['a', 'b', 'c']) control.putFile(BUCKET, path)
  const first = await createJob(running, { paths: ['a', 'b', 'nothing'] })
  await jobAfter(running, first.jobId)
  const second = await createJob(running, { prefix: 'c', confirm: BUCKET })
  await jobAfter(running, second.jobId)
  const other = { token: control.tokenOf('other') }

  t.test('200 lists the jobs of the customer, the newest first', async t => {
    const page = await get('/jobs?limit=1')
    t.equal(page.json().items[0].jobId, second.jobId)
    t.match(page.headers['link'], /^<\/jobs\?limit=1&cursor=.+>; rel="next"$/)
    const rest = await get(`/jobs?limit=1&cursor=${page.json().nextCursor}`)
    t.equal(rest.json().items[0].jobId, first.jobId)
    t.equal(rest.json().nextCursor, null)
    t.strictSame((await get('/jobs?state=running')).json().items, [])
    t.equal((await get('/jobs?state=succeeded')).json().items.length, 2)
    t.strictSame((await get('/jobs', other)).json().items, [])
  })

  t.test('200 lists results by page, by outcome and as lines', async t => {
    const results = `/jobs/${first.jobId}/results`
    const all = [
      { path: 'a', outcome: 'deleted' },
      { path: 'b', outcome: 'deleted' },
      { path: 'nothing', outcome: 'missing' }
    ]
    succeeds(t, await get(results), 200, { items: all, nextCursor: null })
    const page = (await get(`${results}?limit=2`)).json()
    t.strictSame(page.items, all.slice(0, 2))
    succeeds(t, await get(`${results}?cursor=${page.nextCursor}`), 200, { items: all.slice(2), nextCursor: null })
    succeeds(t, await get(`${results}?outcome=missing`), 200, { items: all.slice(2), nextCursor: null })
    const lines = await get(`/jobs/${first.jobId}/result-stream?cursor=${page.nextCursor}`)
    t.strictSame(
      lines.text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
      [...all.slice(2).map(result => ({ result })), { end: { nextCursor: null } }]
    )
    t.strictSame([...(await outcomesOf(running, first.jobId)).keys()], ['a', 'b', 'nothing'])
  })

  t.test('200 streams events with ids that go on after Last-Event-ID', async t => {
    const events = `/jobs/${second.jobId}/events`
    const reply = await get(events)
    t.equal(reply.headers['content-type'], 'text/event-stream')
    t.equal(reply.headers['cache-control'], 'no-store, no-transform')
    t.equal(reply.headers['x-accel-buffering'], 'no')
    const ids = [...reply.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
    t.strictSame(
      ids,
      ids.map((_, index) => index + 1)
    )
    t.match(reply.text, /event: end\ndata: {"jobId":".+","state":"succeeded","counts":{"found":1,.+}}\n\n$/)
    for (const after of [ids.length - 1, ids.length, 94_313_049]) {
      const later = await get(events, { headers: { 'last-event-id': String(after) } })
      t.strictSame(
        [...later.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)),
        [ids.length],
        `the end after ${after}`
      )
    }
    const head = await running.send('HEAD', events)
    t.equal(head.statusCode, 200)
  })

  t.test('404 job-not-found for a job of another customer, and for none', async t => {
    const none = randomUUID()
    for (const [id, options] of [[first.jobId, other] as const, [none, {}] as const]) {
      fails(t, await get(`/jobs/${id}`, options), 404, 'job-not-found')
      fails(t, await get(`/jobs/${id}/results`, options), 404, 'job-not-found')
      fails(t, await get(`/jobs/${id}/events`, options), 404, 'job-not-found')
      fails(t, await post(`/jobs/${id}/resume`, undefined, options), 404, 'job-not-found')
      fails(t, await del(`/jobs/${id}`, options), 404, 'job-not-found')
    }
  })

  t.test('400 invalid-cursor', async t => {
    for (const path of ['/jobs', `/jobs/${first.jobId}/results`]) {
      fails(t, await get(`${path}?cursor=made-up`), 400, 'invalid-cursor')
    }
  })

  t.test('409 job-not-resumable unless it is paused', async t => {
    fails(t, await post(`/jobs/${first.jobId}/resume`, undefined), 409, 'job-not-resumable')
  })

  t.test('DELETE of a job: 202 ends what runs, keeps what has ended', async t => {
    t.equal((await del(`/jobs/${first.jobId}`)).json().state, 'succeeded')
    for (let n = 0; n < 200; n += 1) control.putFile(BUCKET, `file-${n}`)
    control.fault({ kind: 'latency', action: 'delete_file', ms: 30 })
    const { jobId } = await createJob(running, ALL)
    t.ok(await eventually(() => (control.counters()['delete_file'] ?? 0) > 20))
    t.equal((await del(`/jobs/${jobId}`)).statusCode, 202)
    const sent = control.counters()['delete_file'] ?? 0
    const job = await jobAfter(running, jobId)
    t.equal(job.state, 'cancelled')
    t.ok((control.counters()['delete_file'] ?? 0) <= sent + 8, 'nothing new is sent')
    const { deleted, found, failed } = job.counts
    t.equal(failed, 0)
    t.equal(
      control.state().buckets.find(({ name }) => name === BUCKET)?.files.length,
      200 - deleted,
      'each is recorded'
    )
    t.equal(job.counts.remaining, found - deleted)
    control.clearFaults()
  })
})

t.test('the credential of a job', async t => {
  t.test('a job is paused when HOSTKEY refuses its token, and goes on with that of another caller', async t => {
    const running = await gateway(t)
    const { post, sandbox, auditRecords } = running
    const { control } = sandbox
    for (let n = 0; n < 100; n += 1) control.putFile(BUCKET, `file-${n}`)
    control.fault({ kind: 'expire-sessions', action: 'delete_file', after: 30, count: 1 })
    const { jobId } = await createJob(running, ALL)
    const token = () => control.tokenOf('demo')
    await eventually(() => (control.counters()['delete_file'] ?? 0) > 30)
    const paused = await jobAfter(running, jobId, { options: { token: token() } })
    t.match(paused, { state: 'paused', problem: { name: 'invalid-token', status: 401 } })
    control.clearFaults()
    const resumed = await post(`/jobs/${jobId}/resume`, undefined, { token: token() })
    t.equal(resumed.statusCode, 202)
    t.notOk('problem' in resumed.json())
    const job = await jobAfter(running, jobId, { options: { token: token() } })
    t.match(job, { state: 'succeeded', counts: { deleted: 100, missing: 0, failed: 0, remaining: 0 } })
    t.match(
      auditRecords().filter(({ event }) => event === 'job.resume'),
      [{ outcome: 'unknown', jobId }]
    )
  })

  t.test('a service logs in again by itself', async t => {
    const running = await withServices(t, { cleaner: { scopes: ['files:delete'] } })
    const { control } = running.sandbox
    for (let n = 0; n < 60; n += 1) control.putFile(BUCKET, `file-${n}`)
    control.fault({ kind: 'expire-sessions', action: 'delete_file', after: 30, count: 1 })
    const { jobId } = await createJob(running, ALL, running.as.cleaner)
    const job = await jobAfter(running, jobId, { options: running.as.cleaner })
    t.match(job, { state: 'succeeded', counts: { deleted: 60 } })
    t.ok(running.logins() >= 2)
  })

  t.test('a job is paused when its service is removed or limited meanwhile, and sends nothing more', async t => {
    const running = await withServices(t, { cleaner: { scopes: ['files:delete'], accounts: ['s3_user_1'] } })
    const { registry, servicesFile, post, as } = running
    const { control } = running.sandbox
    const entry = running.entries[0] as object
    const changes = [
      [],
      [{ ...entry, scopes: ['buckets:read'] }],
      [{ ...entry, accounts: ['s3_user_7'] }],
      [{ ...entry, buckets: ['s3_user_1/logs'] }]
    ]
    for (const services of changes) {
      for (let n = 0; n < 60; n += 1) control.putFile(BUCKET, `file-${n}`)
      control.fault({ kind: 'latency', action: 'delete_file', ms: 30 })
      const before = control.counters()['delete_file'] ?? 0
      const { jobId } = await createJob(running, ALL, as.cleaner)
      t.ok(await eventually(() => (control.counters()['delete_file'] ?? 0) > before + 10))
      writeFileSync(servicesFile, JSON.stringify({ services }))
      t.strictSame(registry.reload(), [])
      const sent = control.counters()['delete_file'] ?? 0
      const job = await jobAfter(running, jobId)
      t.match(job, { state: 'paused', problem: { name: 'invalid-token' } }, JSON.stringify(services))
      t.ok((control.counters()['delete_file'] ?? 0) <= sent + 8, 'only what was under way')
      t.equal(job.counts.deleted, 60 - (control.state().buckets.find(({ name }) => name === BUCKET)?.files.length ?? 0))
      control.clearFaults()
      t.equal((await post(`/jobs/${jobId}/resume`, undefined)).statusCode, 202)
      t.match(await jobAfter(running, jobId), { state: 'succeeded', counts: { deleted: 60, missing: 0, failed: 0 } })
      writeFileSync(servicesFile, JSON.stringify({ services: [entry] }))
      t.strictSame(registry.reload(), [])
    }
  })

  t.test('a browser reads the events with its cookie and X-CSRF', async t => {
    const running = await gateway(t)
    const browser = createBrowser(running)
    await browser.logIn({ apiKey: running.sandbox.demo.apiKey })
    running.sandbox.control.putFile(BUCKET, 'a')
    const reply = await browser.post(DELETIONS, ALL)
    t.equal(reply.statusCode, 202, reply.text)
    const events = await browser.get(`/jobs/${reply.json().jobId}/events`)
    t.match(events.text, /event: end/)
    t.strictSame(leaksIn([events.text], running.sandbox.control.secrets()), [])
  })
})

t.test('a replica that drains ends the streams of events, and its jobs go on elsewhere', async t => {
  const running = await gateway(t, { DRAIN_DELAY_MS: '100' })
  const { control } = running.sandbox
  for (let n = 0; n < 300; n += 1) control.putFile(BUCKET, `file-${n}`)
  control.fault({ kind: 'latency', action: 'delete_file', ms: 30 })
  const { jobId } = await createJob(running, ALL)
  const stream = running.get(`/jobs/${jobId}/events`)
  t.ok(await eventually(() => (control.counters()['delete_file'] ?? 0) > 20))
  await running.running.drain()
  t.match((await stream).text, /retry: \d{4}\n\n$/)
  t.equal(control.faults().length, 1)
  const { deleted } = {
    deleted: 300 - (control.state().buckets.find(({ name }) => name === BUCKET)?.files.length ?? 0)
  }
  t.ok(deleted > 0 && deleted < 300, `${deleted} deleted`)
})
