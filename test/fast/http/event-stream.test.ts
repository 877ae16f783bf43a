import { randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { createJobFeed } from '../../../src/domain/jobs/feed.ts'
import { type EventStreamOptions, sendEvents } from '../../../src/http/event-stream.ts'
import type { CountedJob, JobRecord } from '../../../src/store/jobs.ts'
import { createSqliteJobs } from '../../../src/store/sqlite-jobs.ts'
import { eventually } from '../../support/harness/eventually.ts'
import { temporaryFolder } from '../../support/harness/replicas.ts'

/** 8 kB: a thousand of them are more than the buffers of both sockets take. */
const TEXT = 'x'.repeat(8000)
const EVENTS = 2000
/** What a socket takes before Node waits, and a few events on their way there. */
const MAX_QUEUED = 64 * 1024 + 4 * TEXT.length
const IDLE_MS = 400

/** A server with the events of a running job, from its store. */
const serving = async (t: Test, options: Partial<EventStreamOptions> = {}) => {
  const { jobs: store, queue } = createSqliteJobs({ dataDir: temporaryFolder(t), isEphemeral: true })
  const record: JobRecord = {
    jobId: randomUUID(),
    kind: 'file-deletion',
    tenant: '1002',
    target: 'logs',
    s3uid: 's3_user_1',
    bucket: 'logs',
    selection: { all: true },
    createdAt: Date.now(),
    state: 'running'
  }
  await store.create(record, 'sealed', [])
  for (let n = 0; n < EVENTS; n += 1) await store.addEvent(record.jobId, TEXT)
  const feed = createJobFeed(store)
  const replies: ServerResponse[] = []
  let taken = 0
  const app = fastify({ forceCloseConnections: true })
  app.get('/', async (request, reply) => {
    replies.push(reply.raw)
    return sendEvents(reply, reported(Number(request.headers['last-event-id'] ?? 0)), {
      isDraining: () => false,
      ...options
    })
  })
  async function* reported(after: number) {
    for await (const event of feed.watch((await store.get(record.jobId)) as CountedJob, after)) {
      taken = event?.id ?? taken
      yield event && { ...event, event: 'progress' }
    }
  }
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  t.after(async () => {
    await app.close()
    await queue.close()
    await store.close()
  })
  /** Opens a stream of which nothing is read yet. */
  const open = (lastEventId = 0): Socket => {
    const socket = connect(Number(port), '127.0.0.1').pause()
    socket.on('error', () => socket.destroy())
    t.after(() => socket.destroy())
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${lastEventId}\r\n\r\n`)
    return socket
  }
  return { open, replies, taken: () => taken, addEvent: () => store.addEvent(record.jobId, TEXT) }
}

/** Collects what the socket gives. */
const reading = (socket: Socket) => {
  const read = { text: '', isClosed: false }
  socket.on('data', chunk => {
    read.text += chunk
  })
  socket.on('close', () => {
    read.isClosed = true
  })
  return read
}

/** The ids of complete events. */
const idsIn = (text: string) =>
  [...text.matchAll(/id: (\d+)\nevent: progress\ndata: x{8000}\n/g)].map(([, id]) => Number(id))
const consecutive = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

t.test(
  'a reader that takes nothing waits in bounded memory, is disconnected, and comes back without a gap',
  async t => {
    const { open, replies, taken, addEvent } = await serving(t, { idleMs: IDLE_MS })
    const socket = open()
    t.ok(await eventually(() => replies[0]?.destroyed === true), 'disconnected')
    await addEvent()
    const read = reading(socket.resume())
    t.ok(await eventually(() => read.isClosed))
    t.match(read.text, /retry: 3000\n/, 'when to come back')
    const before = idsIn(read.text)
    const last = before.at(-1) ?? 0
    t.strictSame(before, consecutive(1, last))
    // The system had sent what arrived; the rest was in memory.
    t.ok(last > 0 && (taken() - last) * TEXT.length < MAX_QUEUED, `${taken()} events taken, ${last} arrived`)

    const again = reading(open(last).resume())
    t.ok(await eventually(() => idsIn(again.text).at(-1) === EVENTS + 1))
    t.strictSame(idsIn(again.text), consecutive(last + 1, EVENTS + 1))
  }
)

t.test('a stream ends after a time, with a hint when to come back, and goes on without a gap', async t => {
  const { open, addEvent } = await serving(t, { maxAgeMs: 300 })
  const socket = open(EVENTS)
  const read = reading(socket.resume())
  await addEvent()
  t.ok(await eventually(() => read.text.endsWith('0\r\n\r\n')), 'the reply is complete')
  t.match(read.text, /retry: \d{4}\n\n\r\n0\r\n\r\n$/)
  t.strictSame(idsIn(read.text), [EVENTS + 1])
  await addEvent()
  const again = reading(open(EVENTS + 1).resume())
  t.ok(await eventually(() => idsIn(again.text).length > 0))
  t.strictSame(idsIn(again.text), [EVENTS + 2])
})
