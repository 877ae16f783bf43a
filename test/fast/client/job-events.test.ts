import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createClient } from '../../../client/src/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { BUCKET } from '../../support/harness/jobs.ts'
import { serving } from '../../support/harness/serving.ts'
import { stablePort } from '../../support/harness/stable-port.ts'

const ACCOUNT = 's3_user_1'

t.test('the events of a job', async t => {
  t.test('are read on after each failure: a cut, a proxy, silence', async t => {
    const job = (state: string, deleted: number) =>
      JSON.stringify({ jobId: 'a', state, counts: { found: 3, deleted, missing: 0, failed: 0, remaining: null } })
    const event = (id: number, state = 'running') =>
      `id: ${id}\nevent: ${state === 'running' ? 'progress' : 'end'}\ndata: ${job(state, id)}\n\n`
    const replies: ((response: ServerResponse) => void)[] = [
      // The time until the next attempt; then half of an event is cut off.
      response => response.write(`retry: 10\n\n${event(1)}${event(2).slice(0, 20)}`, () => response.destroy()),
      response => response.writeHead(502, { 'content-type': 'text/html', 'retry-after': '0' }).end('<h1>proxy</h1>'),
      response => response.write(`retry: 10\n\n: comment\n\n${event(2)}`),
      response => response.end(event(3, 'succeeded'))
    ]
    const asked: IncomingHttpHeaders[] = []
    const baseUrl = await serving(t, (request, response) => {
      if (request.method === 'POST') {
        response.writeHead(202, { 'content-type': 'application/json' }).end(job('queued', 0))
        return
      }
      asked.push(request.headers)
      response.setHeader('content-type', 'text/event-stream')
      replies[asked.length - 1]?.(response)
    })
    const deleted: number[] = []
    // One attempt: the loop itself goes on after the proxy's reply.
    const client = createClient({ baseUrl, timeoutMs: 1000, retry: { attempts: 1 } })
    for await (const { counts } of client.deletePaths(ACCOUNT, BUCKET, ['x'])) {
      deleted.push(counts.deleted)
    }
    t.strictSame(deleted, [1, 2, 3], 'each once')
    t.strictSame(
      asked.map(headers => headers['last-event-id']),
      ['', '1', '1', '2']
    )
    t.ok(
      asked.every(headers => headers['x-csrf'] === '1' && headers.authorization === undefined),
      'with the cookie'
    )
  })

  t.test('go on after a restart of the gateway, and so does the job', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'hks3-restart-'))
    const settings = { PORT: String(await stablePort()), DATA_DIR: folder, SESSION_SECRET: 'x'.repeat(48) }
    const before = await gateway(t, settings)
    t.after(() => rmSync(folder, { recursive: true }))
    const { sandbox } = before
    const { control, demo } = sandbox
    for (let n = 0; n < 120; n += 1) control.putFile(BUCKET, `file-${n}`)
    control.fault({ kind: 'latency', action: 'delete_file', ms: 30 })
    const deletion = createClient({ baseUrl: before.url, token: demo.token }).emptyBucket(ACCOUNT, BUCKET)
    const deleted: number[] = []
    const reading = (async () => {
      for await (const { counts } of deletion) deleted.push(counts.deleted)
    })()
    t.ok(await eventually(() => (control.counters()['delete_file'] ?? 0) > 20))
    await before.running.drain()
    const atRestart = control.counters()['delete_file'] ?? 0
    t.ok(atRestart < 120, `${atRestart} sent before the restart`)
    control.clearFaults()
    await gateway(t, settings, { sandbox })
    await reading
    t.match(await deletion, { state: 'succeeded', counts: { deleted: 120, missing: 0, failed: 0, remaining: 0 } })
    t.strictSame(
      deleted,
      deleted.toSorted((a, b) => a - b)
    )
    t.equal(deleted.at(-1), 120)
  })
})
