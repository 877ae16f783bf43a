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

/** Long enough for the disconnect of a caller to arrive while a page is read. */
const PAGE_MS = 700

t.test('GET …/files as NDJSON', async t => {
  const { get, url, lines, sandbox } = await gateway(t)
  const { control } = sandbox
  const list = (path: string) => get(path, { headers: { accept: NDJSON } })
  const linesIn = (text: string) => {
    t.ok(text.endsWith('\n'))
    return text
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
  }
  /** The reply of a list of a million files, of which nothing is read yet. */
  const open = async () => {
    control.numberFiles('empty-bucket', 1_000_000)
    const headers = { accept: NDJSON, authorization: `Bearer ${sandbox.demo.token}` }
    const [reply] = (await once(httpGet(`${url}${EMPTY}`, { headers }), 'response')) as [IncomingMessage]
    return reply
  }
  const pages = () => control.counters()['get_files'] ?? 0
  t.beforeEach(() => control.reset())

  t.test('200 with each file and folder once, and an end line', async t => {
    control.setBehaviours({ listing: 'flat' })
    const reply = await list(LOGS)
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
    t.same(files[0].file, items[0], 'a file is the same in JSON')
  })

  t.test('200 with at most `limit` lines, and a cursor that continues', async t => {
    const first = linesIn((await list(`${LOGS}?limit=150`)).text)
    t.equal(first.length, 151)
    const { nextCursor } = first.at(-1).end
    const rest = linesIn((await list(`${LOGS}?cursor=${nextCursor}`)).text)
    t.same(rest.at(-1), { end: { nextCursor: null } })
    t.equal(first.length + rest.length - 2, 5001)
  })

  t.test('200 with the media type that Accept prefers', async t => {
    for (const [accept, type] of [
      ['application/json', 'application/json'],
      ['*/*', 'application/json'],
      [`${NDJSON};q=0.5, application/json`, 'application/json'],
      [`application/json;q=0.1, ${NDJSON}`, NDJSON],
      [`application/json;q=0, application/*`, NDJSON]
    ] as const) {
      const reply = await get(EMPTY, { headers: { accept } })
      t.equal(reply.headers['content-type']?.split(';')[0], type, accept)
    }
  })

  t.test('200 with the problem as the last line, and in the log, when a later page fails', async t => {
    control.fault({ kind: 'html-200', action: 'get_files', after: 2 })
    lines.length = 0
    const reply = await list(LOGS)
    t.equal(reply.statusCode, 200)
    const all = linesIn(reply.text)
    t.equal(all.length, 201)
    t.match(all.at(-1), { problem: { status: 502, retryable: true, instance: reply.headers['x-request-id'] } })
    t.ok(all.at(-1).problem.type.endsWith('/problems/upstream-bad-response'))
    t.ok(await eventually(() => lines.some(line => line.includes('"problem":"upstream-bad-response"'))))
  })

  t.test('404 bucket-not-found before the first line', async t => {
    fails(t, await list('/accounts/s3_user_1/buckets/nothing/files'), 404, 'bucket-not-found')
  })

  t.test('406 not-acceptable for another media type, and for NDJSON of another operation', async t => {
    fails(t, await get(EMPTY, { headers: { accept: 'text/csv' } }), 406, 'not-acceptable')
    fails(t, await list('/accounts'), 406, 'not-acceptable')
  })

  t.test('no page is read ahead for a caller that does not read', async t => {
    const reply = await open()
    reply.pause()
    let before = -1
    // Until the buffers of the sockets are full.
    while (before !== pages()) {
      before = pages()
      await pause(300)
    }
    t.ok(before < 1000, `${before} pages of 10,000`)
    reply.destroy()
    await pause(200)
    t.ok(pages() <= before + 1)
  })

  t.test('a caller that disconnects aborts the page that is read, and no other page is read', async t => {
    control.fault({ kind: 'latency', action: 'get_files', ms: PAGE_MS, after: 3 })
    lines.length = 0
    const reply = await open()
    reply.resume()
    t.ok(await eventually(() => pages() === 4))
    reply.destroy()
    t.ok(await eventually(() => lines.some(line => line.includes('"clientAborted":true'))))
    await pause(PAGE_MS + 200)
    t.equal(pages(), 4)
  })
})
