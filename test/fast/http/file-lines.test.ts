import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { fileLinesOf, sendLines } from '../../../src/http/file-lines.ts'
import { eventually } from '../../support/harness/eventually.ts'

/** Limit between two reads of the caller. */
const IDLE_MS = 400

/** 1 MiB: a few of them fill the buffers of both sockets. */
const LINE = `${'x'.repeat(1024 * 1024)}\n`

/** An endless list, and its reply, of which nothing is read yet. */
const endless = async (t: Test) => {
  const state = { lines: 0, isOver: false }
  async function* lines() {
    try {
      for (;;) {
        state.lines += 1
        yield LINE
      }
    } finally {
      state.isOver = true
    }
  }
  const app = fastify({ forceCloseConnections: true })
  app.get('/', async (_request, reply) => sendLines(reply, lines(), IDLE_MS))
  t.teardown(() => app.close())
  const [reply] = (await once(get(await app.listen()), 'response')) as [IncomingMessage]
  reply.on('error', () => undefined)
  return { state, reply }
}

t.test('a caller that reads nothing is disconnected after the idle limit, and the list ends', async t => {
  const { state, reply } = await endless(t)
  const startedAt = performance.now()
  t.ok(await eventually(() => state.isOver))
  t.ok(performance.now() - startedAt >= IDLE_MS - 100)
  const closed = new Promise(resolve => reply.once('close', resolve))
  reply.resume()
  await closed
  t.notOk(reply.complete)
})

t.test('a caller that reads slowly is served beyond the idle limit', async t => {
  const { state, reply } = await endless(t)
  const startedAt = performance.now()
  let bytes = 0
  for await (const chunk of reply) {
    const before = Math.floor(bytes / LINE.length)
    bytes += chunk.length
    if (Math.floor(bytes / LINE.length) > before) await pause(IDLE_MS / 12)
    if (performance.now() - startedAt > 2 * IDLE_MS) break
  }
  t.ok(performance.now() - startedAt > 2 * IDLE_MS, `${bytes} bytes`)
  t.ok(state.lines > 10)
})

t.test('a list ends after its current page when the replica shuts down, with the cursor to continue', async t => {
  async function* pages() {
    for (const nextCursor of ['second', 'third', null])
      yield { items: [], folders: [{ path: 'logs/' }], end: () => ({ nextCursor, complete: nextCursor === null }) }
  }
  const explain = () => {
    throw new Error('no page fails')
  }
  for (const [isDraining, lines, nextCursor] of [
    [true, 1, 'second'],
    [false, 3, null]
  ] as const) {
    let all = ''
    for await (const text of await fileLinesOf(pages(), { explain, isDraining: () => isDraining })) all += text
    const folder = `${JSON.stringify({ folder: { path: 'logs/' } })}\n`
    t.equal(all, `${folder.repeat(lines)}${JSON.stringify({ end: { nextCursor, complete: nextCursor === null } })}\n`)
  }
})

t.test('line ends of Unicode in a file name are escaped', async t => {
  const path = 'a\u2028b\u2029c\u0085d'
  async function* pages() {
    yield { items: [{ path, links: { self: '/x' } }], folders: [], end: () => ({ nextCursor: null, complete: true }) }
  }
  const explain = () => {
    throw new Error('no page fails')
  }
  let text = ''
  for await (const line of await fileLinesOf(pages(), { explain, isDraining: () => false })) text += line
  t.notMatch(text, /[\u0085\u2028\u2029]/)
  t.strictSame(JSON.parse(text.split('\n')[0] ?? '').file.path, path)
})
