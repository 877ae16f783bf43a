import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

const LOGS = '/accounts/s3_user_1/buckets/logs/files'
const EMPTY = '/accounts/s3_user_1/buckets/empty-bucket/files'
const NDJSON = 'application/x-ndjson'

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
