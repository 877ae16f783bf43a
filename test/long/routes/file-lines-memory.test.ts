import { createInterface } from 'node:readline'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gatewayProcess } from '../../support/harness/processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const EMPTY = '/accounts/s3_user_1/buckets/empty-bucket/file-stream'

const LISTED = Number(process.env['FILES_LISTED'] ?? 1_000_000)

/**
 * The list is larger than this heap: a gateway that kept it would fail. The semi-space is set because V8 would choose a
 * small one and spend most of the time on garbage collection.
 */
const HEAP = '--max-old-space-size=96 --max-semi-space-size=16'

/** 128 MiB: normal variation of a process outside its heap; the list takes twice as much. */
const MORE_MEMORY = 128 * 1024 * 1024

t.test(`memory does not grow over ${LISTED} files`, async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  sandbox.control.numberFiles('empty-bucket', LISTED)
  const dataDir = temporaryFolder(t)
  const env = {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: dataDir,
    LOG_LEVEL: 'silent',
    NODE_OPTIONS: HEAP,
    AUDIT_LOG: `${dataDir}/audit.log`,
    SESSION_SECRET: 'x'.repeat(40)
  }
  const { url, residentBytes: memory, signal } = await gatewayProcess(t, env)
  const startedAt = performance.now()
  const reply = await request(`${url}${EMPTY}`, {
    headers: { authorization: `Bearer ${sandbox.demo.token}` }
  })
  let count = 0
  let last = ''
  // After a tenth, all code is compiled and every buffer was full once.
  let early = 0
  let most = 0
  for await (const line of createInterface({ input: reply.body })) {
    count += 1
    last = line
    if (count === LISTED / 10) early = memory()
    if (count > LISTED / 10 && count % (LISTED / 100) === 0) most = Math.max(most, memory())
  }
  t.equal(count, LISTED + 1)
  t.equal(last, '{"end":{"nextCursor":null,"complete":true}}')
  t.ok(most - early < MORE_MEMORY, `${most - early} bytes more`)
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(0)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`# ${LISTED} files in ${seconds} s: ${mib(early)} MiB after a tenth, at most ${mib(most)} MiB\n`)

  t.test('a replica that shuts down ends the list with a cursor', async t => {
    sandbox.control.fault({ kind: 'latency', action: 'get_files', ms: 50 })
    sandbox.control.clearCalls()
    const reply = await request(`${url}${EMPTY}`, {
      headers: { authorization: `Bearer ${sandbox.demo.token}` }
    })
    const text = reply.body.text()
    t.ok(await eventually(() => (sandbox.control.counters()['get_files'] ?? 0) > 3))
    signal('SIGTERM')
    t.match(JSON.parse((await text).trimEnd().split('\n').at(-1) ?? ''), { end: { nextCursor: /^[\w.-]+$/ } })
  })
})
