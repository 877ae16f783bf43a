import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

t.test('503 draining for an order whose checks run when reads are aborted, and it is not sent', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  const { url, signal, ended } = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    SESSION_SECRET: 'x'.repeat(40),
    DRAIN_DELAY_MS: '0',
    DRAIN_GRACE_MS: '4000'
  })
  // Reads are aborted at 2 s, before the plans arrive; a write keeps the replica alive longer.
  control.fault({ kind: 'latency', action: 'list_plans', ms: 2600 })
  control.fault({ kind: 'latency', action: 'delete_bucket', ms: 3300 })
  const authorization = `Bearer ${demo.token}`
  const order = request(`${url}/orders`, {
    method: 'POST',
    headers: { authorization, 'idempotency-key': randomUUID(), 'content-type': 'application/json' },
    body: '{"planId":2,"bucketName":"kept"}'
  })
  const deletion = request(`${url}/accounts/s3_user_1/buckets/empty-bucket`, {
    method: 'DELETE',
    headers: { authorization }
  })
  t.ok(await eventually(() => control.counters()['list_plans'] === 1 && control.counters()['delete_bucket'] === 1))
  signal('SIGTERM')
  const { statusCode, body } = await order
  t.equal(statusCode, 503)
  t.match(await body.json(), { type: /\/problems\/draining$/, outcome: 'not-applied', retryable: true })
  t.equal((await deletion).statusCode, 204)
  t.equal((await ended).code, 0)
  t.equal(control.counters()['create_order'], undefined)
})

t.test('a caller that does not read its stream does not keep the replica from its end', async t => {
  const sandbox = await startSandbox({ seed: randomUUID() })
  t.after(() => sandbox.close())
  const { control, demo } = sandbox
  for (let n = 0; n < 20_000; n += 1) control.putFile('empty-bucket', `${'x'.repeat(1000)}${n}`)
  const { url, signal, ended } = await gatewayProcess(t, {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: temporaryFolder(t),
    SESSION_SECRET: 'x'.repeat(40),
    DRAIN_DELAY_MS: '0',
    DRAIN_GRACE_MS: '2000'
  })
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause()
  t.after(() => socket.destroy())
  const target = '/accounts/s3_user_1/buckets/empty-bucket/file-stream'
  socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${demo.token}\r\n\r\n`)
  const pages = () => control.counters()['get_files'] ?? 0
  for (let before = -1; pages() === 0 || pages() > before; await pause(300)) before = pages()
  t.ok(pages() < 200, `${pages()} of 200 pages read`)
  signal('SIGTERM')
  const end = await ended
  t.equal(end.code, 0)
  t.notMatch(JSON.stringify(end), /already sent|Warning/)
})
