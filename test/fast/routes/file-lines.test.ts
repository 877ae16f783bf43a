import { once } from 'node:events'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { fails } from '../../support/assert/expect.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { gateway } from '../../support/harness/gateway.ts'

const LOGS = '/accounts/s3_user_1/buckets/logs/file-stream'
const EMPTY = '/accounts/s3_user_1/buckets/empty-bucket/file-stream'
const NDJSON = 'application/x-ndjson'

/** Long enough for the disconnect of a caller to arrive while a page is read. */
const PAGE_MS = 700

t.test('GET …/file-stream', async t => {
  const { get, url, lines, sandbox } = await gateway(t)
  const { control } = sandbox
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
    const headers = { authorization: `Bearer ${sandbox.demo.token}` }
    const [reply] = (await once(httpGet(`${url}${EMPTY}`, { headers }), 'response')) as [IncomingMessage]
    return reply
  }
  const pages = () => control.counters()['get_files'] ?? 0
  t.beforeEach(() => control.reset())

  t.test('200 with each file once, and an end line', async t => {
    const reply = await get(`${LOGS}?recursive=true`)
    t.equal(reply.statusCode, 200)
    t.equal(reply.headers['content-type'], NDJSON)
    t.match(reply.headers, { ratelimit: String, 'server-timing': String, 'cache-control': 'no-store' })
    t.equal(reply.headers['etag'], undefined)
    const all = linesIn(reply.text)
    t.equal(new Set(all.map(({ file }) => file?.path)).size, 6001)
    t.same(all.at(-1), { end: { nextCursor: null, complete: true } })
    t.equal(all.length, 6001)
    const { items } = (await get('/accounts/s3_user_1/buckets/logs/files?recursive=true&limit=1')).json()
    t.same(all[0].file, items[0], 'a file is the same in JSON')
  })

  t.test('200 with the folders and files inside a folder, from the cursor of a page', async t => {
    const { nextCursor } = (await get('/accounts/s3_user_1/buckets/logs/files?folder=2023/10/&limit=20')).json()
    const lines = linesIn((await get(`${LOGS}?folder=2023/10/&cursor=${nextCursor}`)).text)
    t.equal(lines.filter(({ folder }) => folder).length, 8)
    t.same(lines.at(-1), { end: { nextCursor: null, complete: true } })
  })

  t.test('200 with the problem as the last line, and in the log, when a later page fails', async t => {
    control.fault({ kind: 'html-200', action: 'get_files', after: 2 })
    lines.length = 0
    const reply = await get(LOGS)
    t.equal(reply.statusCode, 200)
    const all = linesIn(reply.text)
    t.equal(all.length, 201)
    t.match(all.at(-1), { problem: { status: 502, retryable: true, instance: reply.headers['x-request-id'] } })
    t.ok(all.at(-1).problem.type.endsWith('/problems/upstream-bad-response'))
    t.ok(await eventually(() => lines.some(line => line.includes('"problem":"upstream-bad-response"'))))
  })

  t.test('404 bucket-not-found before the first line', async t => {
    fails(t, await get('/accounts/s3_user_1/buckets/nothing/file-stream'), 404, 'bucket-not-found')
  })

  t.test('406 not-acceptable for another media type, and for NDJSON of another operation', async t => {
    fails(t, await get(EMPTY, { headers: { accept: 'application/json' } }), 406, 'not-acceptable')
    fails(t, await get('/accounts', { headers: { accept: NDJSON } }), 406, 'not-acceptable')
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
