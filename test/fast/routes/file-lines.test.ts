import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import { startSandbox } from '../../../src/sandbox/index.ts'
import { fails } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'
import { gatewayProcesses } from '../../support/harness/gateway-processes.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

const LOGS = '/accounts/s3_user_1/buckets/logs/files'
const EMPTY = '/accounts/s3_user_1/buckets/empty-bucket/files'
const NDJSON = 'application/x-ndjson'

const LISTED = Number(process.env['FILES_LISTED'] ?? 1_000_000)

/**
 * The list is longer than this heap: a gateway that held it would end. With so small a heap V8 would also make little
 * room for what is young, and collect for five times as long as it works.
 */
const HEAP = '--max-old-space-size=96 --max-semi-space-size=16'

/** 128 MiB: what a process moves up and down by itself, beside its heap; the list takes twice as much. */
const MORE_MEMORY = 128 * 1024 * 1024

t.setTimeout(180_000)

t.test('GET …/files as lines', async t => {
  const { get, url, lines, sandbox } = await gateway(t)
  const { control } = sandbox
  const ask = (path: string, headers: Record<string, string> = {}) =>
    get(path, { headers: { accept: NDJSON, ...headers } })
  const linesIn = (text: string) => {
    t.ok(text.endsWith('\n'))
    return text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
  }
  const addressOf = (path: string) => ({
    url: `${url}${path}`,
    headers: { accept: NDJSON, authorization: `Bearer ${sandbox.demo.token}` }
  })
  t.beforeEach(() => control.reset())

  t.test('200 with every file and folder once, and an end', async t => {
    control.setBehaviours({ listing: 'flat' })
    const reply = await ask(LOGS)
    t.equal(reply.statusCode, 200)
    t.equal(reply.headers['content-type'], NDJSON)
    t.match(reply.headers, { ratelimit: String, 'server-timing': String, 'cache-control': 'no-store', vary: /Accept/ })
    t.equal(reply.headers['etag'], undefined)
    const all = linesIn(reply.text)
    const files = all.filter(({ file }) => file)
    const folders = all.filter(({ folder }) => folder).map(({ folder }) => folder.path)
    t.equal(new Set(files.map(({ file }) => file.path)).size, 6000)
    t.equal(files.length, 6000)
    t.equal(new Set(folders).size, folders.length)
    t.same(all.at(-1), { end: { nextCursor: null } })
    t.equal(all.length, files.length + folders.length + 1)
    const { items } = (await get(`${LOGS}?limit=1`)).json()
    t.same(files[0].file, items[0], 'a file is the same either way')
  })

  t.test('200 with as many as `limit` says, and a cursor to go on', async t => {
    const first = linesIn((await ask(`${LOGS}?limit=150`)).text)
    t.equal(first.length, 151)
    const { nextCursor } = first.at(-1).end
    const rest = linesIn((await ask(`${LOGS}?cursor=${nextCursor}`)).text)
    t.same(rest.at(-1), { end: { nextCursor: null } })
    t.equal(first.length + rest.length - 2, 5001)
  })

  for (const [accept, type] of [
    ['application/json', 'application/json'],
    ['*/*', 'application/json'],
    [NDJSON, NDJSON],
    [`${NDJSON};q=0.5, application/json`, 'application/json'],
    [`application/json;q=0.1, ${NDJSON}`, NDJSON],
    [`application/json;q=0, application/*`, NDJSON]
  ] as const) {
    t.test(`200 as ${type} for Accept: ${accept}`, async t => {
      const reply = await get(EMPTY, { headers: { accept } })
      t.equal(reply.headers['content-type']?.split(';')[0], type)
    })
  }

  t.test('406 not-acceptable for anything else, and for lines of what has none', async t => {
    fails(t, await get(EMPTY, { headers: { accept: 'text/csv' } }), 406, 'not-acceptable')
    fails(t, await get('/accounts', { headers: { accept: NDJSON } }), 406, 'not-acceptable')
  })

  t.test('404 bucket-not-found with its own status, before anything is sent', async t => {
    fails(t, await ask('/accounts/s3_user_1/buckets/nothing/files'), 404, 'bucket-not-found')
  })

  t.test('a failure on the way is the last line, and in the log', async t => {
    control.fault({ kind: 'html-200', action: 'get_files', after: 2 })
    lines.length = 0
    const reply = await ask(LOGS)
    t.equal(reply.statusCode, 200)
    const last = linesIn(reply.text).at(-1)
    t.match(last, { problem: { status: 502, retryable: true, instance: reply.headers['x-request-id'] } })
    t.ok(last.problem.type.endsWith('/problems/upstream-bad-response'))
    t.equal(linesIn(reply.text).length, 201)
    t.ok(await eventually(() => lines.some(line => line.includes('"problem":"upstream-bad-response"'))))
  })

  t.test('who does not read is not read for', async t => {
    control.numberFiles('empty-bucket', 1_000_000)
    const { url: address, headers } = addressOf(EMPTY)
    const [reply] = (await once(httpGet(address, { headers }), 'response')) as [IncomingMessage]
    reply.pause()
    let before = -1
    // The sockets' buffers are filled, and then nothing more is asked for.
    while (before !== (control.counters()['get_files'] ?? 0)) {
      before = control.counters()['get_files'] ?? 0
      await pause(500)
    }
    t.ok(before < 1000, `${before} pages of 10,000`)
    reply.destroy()
    await pause(300)
    t.ok((control.counters()['get_files'] ?? 0) <= before + 1, 'and no more once the caller has left')
  })

  t.test('who leaves ends the read that is under way, and no page is asked for after it', async t => {
    control.numberFiles('empty-bucket', 1_000_000)
    control.fault({ kind: 'latency', action: 'get_files', ms: 2000, after: 3 })
    lines.length = 0
    const { url: address, headers } = addressOf(EMPTY)
    const [reply] = (await once(httpGet(address, { headers }), 'response')) as [IncomingMessage]
    reply.resume()
    t.ok(await eventually(() => control.counters()['get_files'] === 4))
    reply.destroy()
    t.ok(await eventually(() => lines.some(line => line.includes('"clientAborted":true'))))
    await pause(2300)
    t.equal(control.counters()['get_files'], 4)
  })
})

t.test(`memory does not grow over ${LISTED} files`, async t => {
  const sandbox = await startSandbox()
  t.after(() => sandbox.close())
  sandbox.control.numberFiles('empty-bucket', LISTED)
  const dataDir = temporaryFolder(t)
  const env = {
    UPSTREAM_URL: sandbox.url,
    DATA_DIR: dataDir,
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    NODE_OPTIONS: HEAP,
    AUDIT_LOG: `${dataDir}/audit.log`,
    SESSION_SECRET: 'x'.repeat(40)
  }
  const gateways = await gatewayProcesses(env, 1)
  t.after(() => gateways.close())
  const memory = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateways.pids()[0]}/status`, 'utf8'))?.[1]) * 1024
  const startedAt = performance.now()
  const reply = await request(`${gateways.urls()[0]}${EMPTY}`, {
    headers: { accept: NDJSON, authorization: `Bearer ${sandbox.demo.token}` }
  })
  let count = 0
  let last = ''
  // A tenth in, everything is compiled and every buffer has been filled once.
  let early = 0
  let most = 0
  for await (const line of createInterface({ input: reply.body })) {
    count += 1
    last = line
    if (count === LISTED / 10) early = memory()
    if (count > LISTED / 10 && count % (LISTED / 100) === 0) most = Math.max(most, memory())
  }
  t.equal(count, LISTED + 1)
  t.equal(last, '{"end":{"nextCursor":null}}')
  t.ok(most - early < MORE_MEMORY, `${most - early} bytes more`)
  const mib = (bytes: number) => (bytes / 1024 / 1024).toFixed(0)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`# ${LISTED} files in ${seconds} s: ${mib(early)} MiB after a tenth, at most ${mib(most)} MiB\n`)

  t.test('and a replica that shuts down ends the list with a cursor', async t => {
    sandbox.control.fault({ kind: 'latency', action: 'get_files', ms: 50 })
    sandbox.control.clearCalls()
    const reply = await request(`${gateways.urls()[0]}${EMPTY}`, {
      headers: { accept: NDJSON, authorization: `Bearer ${sandbox.demo.token}` }
    })
    const text = reply.body.text()
    t.ok(await eventually(() => (sandbox.control.counters()['get_files'] ?? 0) > 3))
    process.kill(gateways.pids()[0] ?? 0, 'SIGTERM')
    t.match(JSON.parse((await text).trimEnd().split('\n').at(-1) ?? ''), { end: { nextCursor: /^[\w.-]+$/ } })
  })
})
